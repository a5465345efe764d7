// The files that `npm run bench -- --write` makes: the numbers, the page and its picture.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';
import { chart } from './chart.mjs';
import { goalsTable, timesTable } from './report.mjs';

/** The works that the picture shows. */
const pictured = {
  getsockopt: 'Reading an option of a socket',
  find: 'Finding a free TCP port',
};
/** The package's ways, by the names that users know. */
const labels = { getsockopt: { getsockopt: 'bindport' }, find: { bindport: 'bindport' } };

function picture({ about, results }) {
  const panels = Object.entries(pictured).map(([work, title]) => {
    const times = results.calls.times.filter((it) => it.work === work);
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
  const runtimes = [...new Set(results.calls.times.map(({ runtime }) => runtime))].filter(Boolean);
  return chart(panels, [
    `Points, from light to dark: ${runtimes.join(', ')}. Grey: no Node. The number is the last one's. C makes the same system calls.`,
    `${about.processor}, ${about.system}, ${about.date}: npm run bench`,
  ]);
}

/** A Markdown table, aligned. */
function markdown([head, ...rows]) {
  const columns = head.length;
  const cells = [head, ...rows.map((row) => [...row, ...Array(columns - row.length).fill('')])];
  const widths = head.map((_, i) => Math.max(3, ...cells.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [
    line(cells[0]),
    line(widths.map((width) => '-'.repeat(width))),
    ...cells.slice(1).map(line),
  ].join('\n');
}

const page = ({ about, results }) => {
  const all = Object.values(results);
  return `# How fast it is

<!-- Written by npm run bench -- --write -->

![Reading an option and finding a free port, beside other ways](speed.svg)

Measured on ${about.date}, ${about.processor}, ${about.system}, load up to ${about.load}. Medians of interleaved rounds; C is a
program that makes the same system calls and nothing else, "floor" a bare Node-API addon in C, which checks nothing.
\`npm run bench\` repeats it; \`bench/results.json\` in the repository has the numbers.

## Goals

\`*\`: not reached.

${markdown(goalsTable(all.flatMap(({ goals }) => goals)))}

## Times

${markdown(timesTable(all.flatMap(({ times }) => times)))}
`;
};

export function write(measured) {
  const at = (path) => join(root, path);
  writeFileSync(at('bench/results.json'), `${JSON.stringify(measured, null, 2)}\n`);
  writeFileSync(at('docs/speed.svg'), picture(measured));
  writeFileSync(at('docs/speed.md'), page(measured));
}
