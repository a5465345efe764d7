/** Text in columns and paragraphs. Nothing of it is hidden from whoever reads it: `visible`. */
import { visible, withoutHidden } from '../base/visible';
import { cut, padEnd, padStart, widthOf } from './columns';
import type { Paint, Style } from './style';

/** A cell of a table: its text, and how it is painted. */
export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

export interface Column {
  readonly heading: string;
  readonly align?: 'right';
  /** Of the last column: that it goes on in further lines, in place of being cut. */
  readonly wraps?: boolean;
}

/** The least width of a last column that is fitted to the terminal's; it is longer where that is too little. */
const LEAST_LAST = 12;

const GAP = '  ';

const EMPTY: Cell = { text: '' };

function pad(text: string, width: number, column: Column | undefined): string {
  return column?.align === 'right' ? padStart(text, width) : padEnd(text, width);
}

/**
 * A table: each column is as wide as its widest cell. Only the last one is fitted to what is left of `width`: it is
 * cut, so what must be read whole belongs in another, or it wraps.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): string {
  const headings = columns.map(({ heading }): Cell => ({ text: heading, style: 'dim' }));
  const all = [headings, ...rows].map((row) =>
    row.map((cell): Cell => ({ ...cell, text: visible(cell.text) })),
  );
  const last = columns.length - 1;
  const widths = columns.map((_, i) => Math.max(...all.map((row) => widthOf(row[i]?.text ?? ''))));
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
  const room = Math.max(width - before, LEAST_LAST);
  const line = (row: readonly Cell[]) =>
    columns
      .map((column, i) => {
        const { text, style } = row[i] ?? { text: '' };
        const shown = i < last ? pad(text, widths[i] ?? 0, column) : cut(text, room);
        return style === undefined ? shown : paint(style, shown);
      })
      .join(GAP)
      .trimEnd();
  const lines = (row: readonly Cell[]) => {
    const cell = row[last];
    if (columns[last]?.wraps !== true || cell === undefined) return [line(row)];
    return wrap(cell.text, room).map((text, i) =>
      line([
        ...(i === 0 ? row.slice(0, last) : row.slice(0, last).map(() => EMPTY)),
        { ...cell, text },
      ]),
    );
  };
  return all.flatMap((row) => lines(row).map((one) => `${one}\n`)).join('');
}

/** Lines of at most `width`, broken at spaces; a word that is longer has a line to itself. Of others' text: `visible`. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of withoutHidden(text).split(/ +/)) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** A paragraph whose first line starts with `first`, and all others with as many spaces. */
export function paragraph(first: string, text: string, width: number): string {
  const indent = ' '.repeat(first.length);
  return wrap(text, Math.max(width - first.length, LEAST_LAST))
    .map((line, i) => `${i === 0 ? first : indent}${line}\n`)
    .join('');
}

/**
 * Names and values in as many columns as fit the width, to be read downwards. Those that take more than one
 * column of half the width follow, each as a paragraph.
 */
export function pairs(
  items: readonly (readonly [name: string, value: string])[],
  width: number,
): string {
  if (items.length === 0) return '';
  const names = Math.max(...items.map(([name]) => name.length));
  const most = Math.max((width - GAP.length) >> 1, names + 1 + LEAST_LAST);
  const texts = items.map(([name, value]) => visible(`${name.padEnd(names)} ${value}`.trimEnd()));
  const short = texts.filter((text) => widthOf(text) <= most);
  const wide = Math.max(0, ...short.map(widthOf));
  const columns = Math.max(1, Math.floor((width + GAP.length) / (wide + GAP.length)));
  const rows = Math.ceil(short.length / columns);
  const lines = Array.from({ length: rows }, (_, row) =>
    short
      .filter((_, i) => i % rows === row)
      .map((text) => padEnd(text, wide))
      .join(GAP)
      .trimEnd(),
  );
  const long = items
    .filter((_, i) => widthOf(texts[i] ?? '') > most)
    .map(([name, value]) => paragraph(`${name.padEnd(names)} `, visible(value), width));
  return [...lines.map((line) => `${line}\n`), ...long].join('');
}
