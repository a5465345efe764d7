/** How many columns of a terminal a text takes. */

/**
 * Characters of two columns: Unicode's East Asian Width W and F, by blocks and not by single characters. Terminals
 * differ on some.
 */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** Characters that stand on the one before them. */
const MARK = /\p{Mn}|\p{Me}/u;

const ASCII = /^[\x20-\x7e]*$/;

function widthOfOne(character: string): number {
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfOne(character);
  return width;
}

const spaces = (count: number) => ' '.repeat(Math.max(count, 0));

export function padEnd(text: string, width: number): string {
  return text + spaces(width - widthOf(text));
}

export function padStart(text: string, width: number): string {
  return spaces(width - widthOf(text)) + text;
}

/** The text, or as much of it as fits with a `…` behind it. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let room = width - 1;
  let shown = '';
  for (const character of text) {
    room -= widthOfOne(character);
    if (room < 0) break;
    shown += character;
  }
  return `${shown}…`;
}
