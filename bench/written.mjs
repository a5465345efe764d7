// The files that `npm run bench -- --write` makes: the numbers, the page and its picture.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table, writePart } from '../scripts/build/markdown.mjs';
import { root } from '../scripts/project.mjs';
import { chart } from './chart.mjs';
import { goalsTable, isMissed, measuredOn, timesTable } from './report.mjs';

/** The works that the picture shows. */
const pictured = {
  getsockopt: 'Reading an option of a socket',
  find: 'Finding a free TCP port',
};
/** The package's ways, by the names that users know. */
const labels = { getsockopt: { getsockopt: 'bindport' }, find: { bindport: 'bindport' } };

function picture({ calls: { about, times: all } }) {
  const panels = Object.entries(pictured).map(([work, title]) => {
    const times = all.filter((it) => it.work === work);
    const rows = new Map();
    for (const { way, runtime, ns } of times) {
      const label = labels[work][way] ?? way;
      rows.set(label, [...(rows.get(label) ?? []), { runtime, us: ns / 1000 }]);
    }
    const last = (points) => points.at(-1).us;
    return {
      title,
      rows: [...rows]
        .map(([label, points]) => ({ label, points }))
        .toSorted((a, b) => last(a.points) - last(b.points)),
    };
  });
  const runtimes = [...new Set(all.map(({ runtime }) => runtime))].filter(Boolean);
  return chart(panels, [
    `Points, from light to dark: ${runtimes.join(', ')}. Grey: no Node.`,
    "The number is the last one's. C makes the same system calls and nothing else.",
    `${about.processor}, ${about.system}, ${about.date}: npm run bench`,
  ]);
}

/** A Markdown table; a row of one cell is a heading. */
function markdown([head, ...rows]) {
  const filled = (row) =>
    row.length === 1
      ? [`**${row[0]}**`, ...Array(head.length - 1).fill('')]
      : row.map((cell) => cell.trim());
  return table([head, ...rows.map(filled)]);
}

const titles = {
  calls: 'One call',
  inspect: 'Looking at sockets',
  load: 'Loading, and the commands',
  reserve: 'Many ports',
  http: 'Serving',
  install: 'Installing',
};

function section(name, { about, times, goals, notes = [] }) {
  const reasons = goals.filter((goal) => goal.why && isMissed(goal));
  const lists = [
    reasons.map(({ title, why }) => `- ${title}: ${why}`),
    notes.map((note) => `- ${note}`),
  ];
  return [
    `## ${titles[name]}`,
    `${measuredOn(about)}.`,
    ...(goals.length > 0 ? [markdown(goalsTable(goals))] : []),
    ...lists.filter((list) => list.length > 0).map((list) => list.join('\n')),
    markdown(timesTable(times)),
  ].join('\n\n');
}

const page = (results) => `# How fast it is

<!-- Written by npm run bench -- --write -->

![Reading an option and finding a free port, beside other ways](speed.svg)

Medians of interleaved rounds, of programs that are started the shortest; \`*\`: a goal that is not reached. C is a
program that makes the same system calls and nothing else, "floor" a bare Node-API addon in C, which checks nothing.
\`npm run bench\` in a checkout repeats it; \`bench/results.json\` there has the numbers.

${Object.entries(results)
  .map(([name, part]) => section(name, part))
  .join('\n\n')}
`;

/** What the README tells of the goals, on the first and the last of the runtimes. */
const inBrief = [
  'getsockopt',
  'getOption(handle)',
  'findUnusedPort',
  'bindPort',
  'reservePort, release',
  'bindPort, adopt',
  'inspectSocket',
  "require('bindport')",
];

function brief(results) {
  const { about } = results.calls;
  const goals = Object.values(results).flatMap((part) => part.goals);
  const chosen = inBrief.map((title) => goals.find((goal) => goal.title === title));
  const table = goalsTable(
    chosen.map((goal) => {
      const values = Object.entries(goal.values);
      return { ...goal, values: Object.fromEntries([values[0], values.at(-1)]) };
    }),
  );
  return `Measured on ${about.date}, ${about.processor}, ${about.system}; \`*\`: not reached. C makes the same system calls, the floor is a
bare Node-API addon.

${markdown(table)}`;
}

/** @param measured the parts that are new; the others stay as they were written last */
export function write(measured) {
  const at = (path) => join(root, path);
  const path = at('bench/results.json');
  const results = { ...(existsSync(path) && JSON.parse(readFileSync(path, 'utf8'))), ...measured };
  const missing = ['calls', 'inspect', 'load'].filter((name) => !results[name]);
  if (missing.length > 0) throw new Error(`${path} lacks the parts ${missing.join(', ')}`);
  writePart(at('README.md'), '<!-- npm run bench -->', brief(results));
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(at('docs/speed.svg'), picture(results));
  writeFileSync(at('docs/speed.md'), page(results));
}
