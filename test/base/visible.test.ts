import { describe, expect, test } from 'vitest';
import { visible, withoutHidden } from '../../src/base/visible';

/** The text that `visible` was given. */
function original(shown: string): string {
  return shown.replace(
    /\\(?:(\\)|x([0-9a-f]{2})|u\{([0-9a-f]+)\})/g,
    (_, backslash, short, long) =>
      backslash ?? String.fromCodePoint(Number.parseInt(short ?? long, 16)),
  );
}

describe('visible', () => {
  test.each([
    ['a terminal’s sequences', 'a\x1b[2Jb\r\n\x7f\x9b', 'a\\x1b[2Jb\\x0d\\x0a\\x7f\\x9b'],
    ['bidirectional overrides', '\u202a\u202e\u2066\u2069', '\\u{202a}\\u{202e}\\u{2066}\\u{2069}'],
    ['marks of direction', '\u200e\u200f\u061c', '\\u{200e}\\u{200f}\\u{61c}'],
    ['what has no width', '\ufeff\u200b\u00ad', '\\u{feff}\\u{200b}\\xad'],
    ['line separators', '\u2028\u2029', '\\u{2028}\\u{2029}'],
    ['halves of pairs', 'a\ud83db\ude00', 'a\\u{d83d}b\\u{de00}'],
    ['tags', '\u{e0041}', '\\u{e0041}'],
  ])('shows %s by their numbers', (_, text, shown) => {
    expect(visible(text)).toBe(shown);
    expect(withoutHidden(text)).toBe(shown);
  });

  test('leaves other text as it is', () => {
    const text = 'nginx: worker — \u{1f600} 服务 é e\u0301 C:\\users\\x \\';
    expect(visible(text)).toBe(text);
  });

  test('shows no two texts alike: backslashes that were there tell themselves from those that were not', () => {
    const parts = ['\\', '\x1b', '\u202e', 'x1b', 'u{202e}', '\ud83d', 'a'];
    const texts = parts.flatMap((a) =>
      parts.flatMap((b) => parts.flatMap((c) => parts.map((d) => a + b + c + d))),
    );
    for (const text of texts) expect(original(visible(text))).toBe(text);
  });

  test('what was shown once is not changed by withoutHidden', () => {
    const shown = visible('\\x1b \x1b \\\\');
    expect(withoutHidden(shown)).toBe(shown);
  });
});
