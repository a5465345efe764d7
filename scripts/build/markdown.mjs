// Parts of Markdown files that are written by programs.
import { readFileSync, writeFileSync } from 'node:fs';

/** A table with its columns aligned, as biome wants them; the first row is the head. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(3, ...rows.map((row) => row[column].length)));
  const [head, ...body] = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`,
  );
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body].join('\n');
}

const END = '\n\n<!-- end -->';

/** What stands between a comment that begins a part and the one that ends it, and what is before and behind. */
function split(path, begin) {
  const [before, rest] = readFileSync(path, 'utf8').split(`${begin}\n\n`);
  const length = rest?.indexOf(END) ?? -1;
  if (length === -1) throw new Error(`${path} has no part that begins with ${begin}`);
  return { before, part: rest.slice(0, length), after: rest.slice(length) };
}

export const readPart = (path, begin) => split(path, begin).part;

export function writePart(path, begin, text) {
  const { before, after } = split(path, begin);
  writeFileSync(path, `${before}${begin}\n\n${text}${after}`);
}
