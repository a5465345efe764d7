// Writes the names of native/constants.def as TypeScript's types: node scripts/build/constant-names.mjs
// With --check it writes nothing, and ends with 1 when the types are not those of the list.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../project.mjs';

const list = 'native/constants.def';
const types = 'src/base/constant-names.ts';

const entries = [...readFileSync(join(root, list), 'utf8').matchAll(/^([A-Z_]+)\((\w+)\)$/gm)].map(
  ([, kind, name]) => ({ kind, name }),
);

const union = (wanted) =>
  entries
    .filter(({ kind }) => wanted(kind))
    .map(({ name }) => `\n  | '${name}'`)
    .join('');

const text = `/** Long because it has lines for names alone; written by \`npm run build:constants\` from ${list}. */

/** Constants that every platform has. */
export type UniversalConstant =${union((kind) => kind === 'EVERYWHERE')};

/** Constants that only some platforms have. */
export type PlatformConstant =${union((kind) => kind !== 'EVERYWHERE')};
`;

if (process.argv.includes('--check')) {
  if (readFileSync(join(root, types), 'utf8') !== text) {
    console.error(`${types} is not what ${list} says: npm run build:constants`);
    process.exit(1);
  }
} else {
  writeFileSync(join(root, types), text);
}
