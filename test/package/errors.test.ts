import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodeErrorCodes, ownErrorCodes } from '../../src/base/errors';
import { root } from '../support/paths';

const errorCodes: readonly string[] = [...ownErrorCodes, ...nodeErrorCodes];

/** The codes in the first cells of a document's tables. */
function documented(text: string): string[] {
  const cells = Array.from(text.matchAll(/^\|([^|]*)\|/gm), ([, cell = '']) => cell);
  return cells.flatMap((cell) =>
    Array.from(cell.matchAll(/`(ERR_\w+)`/g), ([, code = '']) => code),
  );
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The parts of docs/errors.md by their titles. */
const parts = new Map(
  read('docs/errors.md')
    .split(/^## /m)
    .map((part) => [part.slice(0, part.indexOf('\n')), documented(part)]),
);

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: read(join('src', file)) }));

describe('the codes of errors', () => {
  test('are each documented once: this package’s own', () => {
    expect(parts.get("This package's own codes")?.sort()).toEqual([...ownErrorCodes].sort());
  });

  test('are each documented once: those of Node', () => {
    expect(parts.get("Codes of Node in Node's meaning")?.sort()).toEqual(
      [...nodeErrorCodes].sort(),
    );
  });

  test('in the README are some of them', () => {
    const codes = documented(read('README.md'));
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !errorCodes.includes(code))).toEqual([]);
  });

  test('are all that the source names, and each is used', () => {
    const named = (text: string) => text.match(/(?<=['`])ERR_\w+/g) ?? [];
    const inMakers = sources.flatMap(({ file, text }) =>
      file.endsWith('errors.ts') ? named(text.replace(/= \[.*?\] as const/gs, '')) : [],
    );
    const elsewhere = sources.flatMap(({ file, text }) =>
      file.endsWith('errors.ts') ? [] : named(text),
    );
    const used = new Set([...inMakers, ...elsewhere]);
    expect([...used].sort()).toEqual([...errorCodes].sort());
  });

  test('stand beside the names of all system calls that fail', () => {
    const calls = sources.flatMap(({ text }) =>
      Array.from(
        text.matchAll(/(?:systemError|failed|done)\([^'()]*(?:\([^()]*\)[^'()]*)?'(\w+)'/g),
        ([, call = '']) => call,
      ),
    );
    expect(calls.length).toBeGreaterThan(20);
    const text = read('docs/errors.md');
    expect([...new Set(calls)].filter((call) => !text.includes(`\`${call}\``))).toEqual([]);
  });
});
