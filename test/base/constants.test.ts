import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { constants } from '../../src/index';
import { root } from '../support/paths';

interface Entry {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

function linesOf(file: string): string[] {
  return readFileSync(join(root, 'native', file), 'utf8').split(/\r?\n/);
}

/** The lines of constants.def: `KIND(NAME)` under `// group`. */
function listed(): Entry[] {
  const entries: Entry[] = [];
  let group = '';
  for (const line of linesOf('constants.def')) {
    group = /^\/\/ (.*)/.exec(line)?.[1] ?? group;
    const [, kind, name] = /^([A-Z_]+)\((\w+)\)$/.exec(line) ?? [];
    if (kind && name) entries.push({ group, kind, name });
  }
  return entries;
}

const entries = listed();
const names = entries.map(({ name }) => name);

describe('the list of constants', () => {
  test('is sorted by name within its groups, and has no name twice', () => {
    expect(new Set(names).size).toBe(names.length);
    for (const group of new Set(entries.map((entry) => entry.group))) {
      const inGroup = entries.filter((entry) => entry.group === group).map(({ name }) => name);
      expect(inGroup).toEqual(inGroup.toSorted());
    }
  });

  test('is what the types say', () => {
    const script = join(root, 'scripts/build/constant-names.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('has every name that the addon defines, and the addon those of every platform', () => {
    expect(names).toEqual(expect.arrayContaining(Object.keys(constants)));
    const everywhere = entries.filter(({ kind }) => kind === 'EVERYWHERE');
    expect(Object.keys(constants)).toEqual(
      expect.arrayContaining(everywhere.map(({ name }) => name)),
    );
  });

  test.each(['linux', 'win'])('has every name whose number is fixed on %s', (platform) => {
    const fixed = linesOf(`${platform}/constants_abi.def`).flatMap(
      (line) => /^ABI\((\w+),/.exec(line)?.[1] ?? [],
    );
    expect(fixed).not.toHaveLength(0);
    expect(names).toEqual(expect.arrayContaining(fixed));
  });
});

describe('constants', () => {
  test('that are misspelt do not compile', () => {
    // @ts-expect-error the name is IPV6_V6ONLY
    expect(constants.IPV6_V6ONLYY).toBeUndefined();
    expect(constants.IPV6_V6ONLY).toBeTypeOf('number');
  });
});
