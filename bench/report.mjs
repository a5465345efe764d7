// What the bench tells, as rows of cells, and on the screen.
import { cpus, release, type } from 'node:os';
import { works } from './works.mjs';

/** Where and when it was measured. */
export function machine(load) {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${processors.length} × ${processors[0].model.trim()}`,
    system: `${type()} ${release()}`,
    load: Number(load.toFixed(1)),
  };
}

const short = (number) =>
  number >= 1000 ? number.toFixed(0) : number >= 10 ? number.toFixed(1) : number.toFixed(2);
const unique = (values) => [...new Set(values)];

/** The first row is the head; a row of one cell is a heading. */
export function timesTable(times) {
  const runtimes = unique(times.map(({ runtime }) => runtime));
  const rows = [['µs', ...runtimes]];
  for (const work of unique(times.map((it) => it.work))) {
    const of = times.filter((it) => it.work === work);
    rows.push([`${works[work] ?? work}:`]);
    for (const way of unique(of.map((it) => it.way))) {
      const cells = runtimes.map((runtime) => {
        const found = of.find((it) => it.way === way && it.runtime === runtime);
        return found ? short(found.ns / 1000) : '';
      });
      rows.push([`  ${way}`, ...cells]);
    }
  }
  return rows;
}

const isMet = ({ most, least }, value) => (most === undefined ? value >= least : value <= most);

export const isMissed = (goal) => Object.values(goal.values).some((value) => !isMet(goal, value));

/** `*` marks what is not reached. */
export function goalsTable(goals) {
  const runtimes = unique(goals.flatMap(({ values }) => Object.keys(values)));
  const rows = goals.map((goal) => {
    const { title, most, least, unit, values } = goal;
    const limit = most === undefined ? `≥ ${least}` : `≤ ${most}`;
    const cells = runtimes.map((name) => {
      const value = values[name];
      return value === undefined ? '' : `${value.toFixed(2)}${isMet(goal, value) ? '' : ' *'}`;
    });
    return [title, `${limit} ${unit}`, ...cells];
  });
  return [['', 'goal', ...runtimes], ...rows];
}

function lines(rows) {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.filter((row) => row.length > 1).map((row) => row[column].length)),
  );
  const line = (row) =>
    row.length === 1
      ? row[0]
      : row
          .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
          .join('  ');
  return rows.map(line).join('\n');
}

/** Where and when a part was measured, in words. */
export const measuredOn = ({ date, processor, system, load }) =>
  `${date}, ${processor}, ${system}, load ${load}`;

/** One part, on the screen. */
export function print(name, { about, times, goals, notes = [] }) {
  console.log(`\n=== ${name}, ${measuredOn(about)}\n\n${lines(timesTable(times))}`);
  if (goals.length > 0) console.log(`\n${lines(goalsTable(goals))}`);
  for (const note of notes) console.log(note);
}
