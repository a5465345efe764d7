/**
 * Text that others have written, fit to be shown: a command line, a name or a path could send whatever it likes to
 * the terminal, or be read as another text than it is.
 */

/**
 * Control characters, those that are no character to be seen but change how others are shown (U+202E turns their
 * order around), line separators, and halves of pairs: Unicode's categories Cc, Cf, Zl, Zp and Cs.
 */
const HIDDEN = String.raw`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]`;

export const ALL_HIDDEN = new RegExp(HIDDEN, 'gu');

/** A backslash that would be taken for the beginning of an escape, or for the first half of one of two. */
const AMBIGUOUS = new RegExp(String.raw`\\(?=\\|${HIDDEN}|x[0-9a-f]{2}|u\{[0-9a-f]+\})`, 'gu');

/** The text with its hidden characters by their numbers, `\x1b` or `\u{202e}`; the same text if it has none. */
export function withoutHidden(text: string): string {
  return text.replace(ALL_HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const digits = code.toString(16);
    return code > 0xff ? `\\u{${digits}}` : `\\x${digits.padStart(2, '0')}`;
  });
}

/** As `withoutHidden`, and no two texts look the same: a backslash of the text's own is doubled where it must be. */
export function visible(text: string): string {
  return withoutHidden(text.replace(AMBIGUOUS, '\\\\'));
}
