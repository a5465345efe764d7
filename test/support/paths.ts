import { join, resolve } from 'node:path';

export const root = resolve(__dirname, '../..');
/** The package as it was built. */
export const dist = join(root, 'dist/index.js');
export const fixtures = join(root, 'test/fixtures');

/** A file of test/fixtures: `socket/stay.cjs`. */
export function fixture(name: string): string {
  return join(fixtures, name);
}
