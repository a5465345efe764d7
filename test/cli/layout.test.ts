import { describe, expect, test } from 'vitest';
import { pairs, paragraph, table, wrap } from '../../src/cli/layout';

const plain = (_: string, text: string) => text;
const cells = (...texts: string[]) => texts.map((text) => ({ text }));

describe('table', () => {
  const columns = [
    { heading: 'A' },
    { heading: 'N', align: 'right' as const },
    { heading: 'REST' },
  ];

  test('makes each column as wide as its widest cell', () => {
    expect(table(columns, [cells('abc', '1', 'x'), cells('d', '1000', 'y')], 80, plain)).toBe(
      ['A       N  REST', 'abc     1  x', 'd    1000  y', ''].join('\n'),
    );
  });

  test('cuts the last column alone, to the width', () => {
    const out = table(columns, [cells('a'.repeat(30), '1', 'word '.repeat(20))], 60, plain);
    const [, line = ''] = out.split('\n');
    expect(line).toHaveLength(60);
    expect(line).toMatch(/^a{30} {2}1 {2}word .*…$/);
  });

  test('goes on in further lines where the last column wraps', () => {
    const wrapping = [{ heading: 'A' }, { heading: 'REST', wraps: true }];
    const row = cells('abc', ':: 0.0.0.0 ::1 127.0.0.1');
    expect(table(wrapping, [row, cells('d', 'e')], 20, plain)).toBe(
      ['A    REST', 'abc  :: 0.0.0.0 ::1', '     127.0.0.1', 'd    e', ''].join('\n'),
    );
    expect(table(wrapping, [row], 5, plain)).toContain('     127.0.0.1\n');
  });

  test('counts the columns of the terminal, and cuts no character in two', () => {
    const lines = table(
      columns,
      [
        cells('服务', '1', '服务服务服务服务'),
        cells('e\u0301', '1', `${'x'.repeat(10)}\u{1f600}y`),
      ],
      21,
      plain,
    ).split('\n');
    expect(lines).toEqual([
      'A     N  REST',
      '服务  1  服务服务服…',
      'e\u0301     1  xxxxxxxxxx…',
      '',
    ]);
  });

  test('shows by its number what a terminal would follow, and what nobody sees', () => {
    const [, line] = table(columns, [cells('a\x1b[2J', '\u202e1', '\ufeff\\x1b')], 80, plain).split(
      '\n',
    );
    expect(line).toBe('a\\x1b[2J  \\u{202e}1  \\u{feff}\\\\x1b');
  });

  test('leaves the last column some room where the width has none', () => {
    const [, line] = table(columns, [cells('a'.repeat(30), '1', 'x'.repeat(20))], 10, plain).split(
      '\n',
    );
    expect(line).toBe(`${'a'.repeat(30)}  1  ${'x'.repeat(11)}…`);
  });

  test('paints a cell with its padding, so that colours change no width', () => {
    const paint = (style: string, text: string) => `<${style}>${text}</>`;
    const row = [{ text: 'x', style: 'bold' as const }, { text: '1' }, { text: 'y' }];
    expect(table(columns, [row], 80, paint).split('\n')[1]).toBe('<bold>x</>  1  y');
  });
});

describe('pairs', () => {
  const items = ['A', 'B', 'C', 'D', 'E'].map((name) => [name, '1'] as const);

  test('stand in columns, to be read downwards', () => {
    expect(pairs(items, 34)).toBe('A 1  B 1  C 1  D 1  E 1\n');
    expect(pairs(items, 8)).toBe('A 1  D 1\nB 1  E 1\nC 1\n');
    expect(pairs(items, 1)).toBe('A 1\nB 1\nC 1\nD 1\nE 1\n');
  });

  test('that are long follow as paragraphs', () => {
    const long = 'word '.repeat(12).trimEnd();
    const [first, ...lines] = pairs([...items, ['LONG', long]], 40)
      .trimEnd()
      .split('\n');
    expect(first).toBe('A    1  B    1  C    1  D    1  E    1');
    expect(lines.join(' ').replace(/ +/g, ' ')).toBe(`LONG ${long}`);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  test('of nothing are nothing', () => {
    expect(pairs([], 80)).toBe('');
  });
});

describe('wrap', () => {
  test('breaks lines at spaces', () => {
    expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  });

  test('never breaks a word', () => {
    expect(wrap(`a ${'b'.repeat(20)} c`, 5)).toEqual(['a', 'b'.repeat(20), 'c']);
  });
});

test('a paragraph is indented by what stands before it', () => {
  expect(paragraph('why  ', 'one two three four', 20)).toBe('why  one two three\n     four\n');
});
