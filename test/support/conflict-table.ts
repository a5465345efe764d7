import { readFileSync } from 'node:fs';
import type { ConflictAddress } from '../../src/index';
import { fixture } from './paths';

type WindowsOption = 'default' | 'SO_REUSEADDR' | 'SO_EXCLUSIVEADDRUSE';
type Table<Cell> = Record<
  WindowsOption,
  Record<ConflictAddress, Record<WindowsOption, Record<ConflictAddress, Cell>>>
>;

interface Fixture {
  codes: Record<'Success' | 'INUSE' | 'ACCESS', string>;
  sameUser: Table<'Success' | 'INUSE' | 'ACCESS'>;
  differentInWine8: { first: string; second: string; code: string }[];
}

function isFixture(value: unknown): value is Fixture {
  return typeof value === 'object' && value !== null && 'sameUser' in value && 'codes' in value;
}

function read(): Fixture {
  const file = fixture('ports/windows-bind-conflicts.json');
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isFixture(value)) throw new Error(`${file} is no table`);
  return value;
}

const published = read();

export const windowsOptions: readonly WindowsOption[] = [
  'default',
  'SO_REUSEADDR',
  'SO_EXCLUSIVEADDRUSE',
];
export const addresses: readonly ConflictAddress[] = ['wildcard', 'specific'];

export interface Cell {
  first: string;
  second: string;
  /** The error code of the second bind, or 'Success'. */
  microsoft: string;
  /** The same, or what Wine 8 answers instead. */
  wine: string;
}

/** "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE", the same user: one row for each pair of binds. */
export const microsoftCells: readonly Cell[] = windowsOptions.flatMap((option) =>
  addresses.flatMap((address) =>
    windowsOptions.flatMap((other) =>
      addresses.map((otherAddress) => {
        const first = `${option}, ${address}`;
        const second = `${other}, ${otherAddress}`;
        const microsoft = published.codes[published.sameUser[option][address][other][otherAddress]];
        const different = published.differentInWine8.find(
          (cell) => cell.first === first && cell.second === second,
        );
        return { first, second, microsoft, wine: different?.code ?? microsoft };
      }),
    ),
  ),
);
