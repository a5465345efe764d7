import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../support/paths';

/** From the lowest to the highest; those of one row know nothing of each other, so there are no cycles. */
const LAYERS = [
  ['base'],
  ['options'],
  ['socket'],
  ['inspection'],
  ['ports', 'serving'],
  ['reservation'],
  ['cli'],
];

/** What package.json exports: re-exports only. */
const ENTRY_POINTS = ['index.ts', 'get-port.ts', 'get-port.mts'];

const src = join(root, 'src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

/** The folder of src that a path relative to src lies in. */
const folderOf = (path: string) => path.split(/[\\/]/)[0] ?? '';
const layerOf = (path: string) => LAYERS.findIndex((row) => row.includes(folderOf(path)));

/** The relative imports of every file in a folder, both ends as paths relative to src. */
const imports = files
  .filter((file) => !ENTRY_POINTS.includes(folderOf(file)))
  .flatMap((from) =>
    Array.from(
      readFileSync(join(src, from), 'utf8').matchAll(
        /(?:from|import|require)\s*\(?\s*'(\.[^']*)'/g,
      ),
      ([, path = '']) => ({ from, to: relative(src, resolve(src, from, '..', path)) }),
    ),
  );

describe('src', () => {
  test('holds folders of the layers and the entry points, nothing else', () => {
    const names = [...LAYERS.flat(), ...ENTRY_POINTS];
    expect(readdirSync(src).filter((entry) => !names.includes(entry))).toEqual([]);
  });

  test('has no import that points to a higher layer or to its neighbour', () => {
    expect(imports.length).toBeGreaterThan(100);
    const upward = imports.filter(
      ({ from, to }) => folderOf(from) !== folderOf(to) && layerOf(from) <= layerOf(to),
    );
    expect(upward).toEqual([]);
  });

  test('has no files that import each other in a circle', () => {
    const circles: string[][] = [];
    const seen = new Set<string>();
    const follow = (file: string, path: string[]) => {
      if (path.includes(file)) circles.push([...path, file]);
      if (seen.has(file)) return;
      seen.add(file);
      for (const { from, to } of imports) if (from === `${file}.ts`) follow(to, [...path, file]);
    };
    for (const { from } of imports) follow(from.replace(/\.ts$/, ''), []);
    expect(circles).toEqual([]);
  });

  test('has no file of more than 400 lines without a reason at its top', () => {
    const long = files.filter((file) => {
      const text = readFileSync(join(src, file), 'utf8');
      return text.split('\n').length > 401 && !/^\/\*\*[\s\S]*?\blines\b/.test(text);
    });
    expect(long).toEqual([]);
  });
});
