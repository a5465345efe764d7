import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bindport } from './cli';

/** Asks a shell what it offers for a command line, the cursor at its end. */
export type OffersOf = (line: string, env: NodeJS.ProcessEnv) => Promise<string[]>;

/** A program on the path that no shell knows more of. */
const PROGRAM = 'bindport-test-program';

/** The names that the help lists in a column of its own: commands, or options. */
async function listed(pattern: RegExp, ...args: string[]): Promise<string[]> {
  const { out } = await bindport(...args);
  const names = Array.from(out.matchAll(pattern), ([, name = '']) => name);
  expect(names).not.toEqual([]);
  return names.sort();
}

const COMMANDS = /^ {2}([a-z]+) {2,}\S/gm;
const LONG_OPTIONS = /^ {2}(?:-\w, | {4})(--[a-z-]+)/gm;

/** Completes the same command lines in each shell. */
export function completes(shell: string, offersOf: OffersOf): void {
  describe(`${shell} completes`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'bindport-completion-'));
    const env = { ...process.env, PATH: `${process.env.PATH}${delimiter}${folder}` };
    const offers = async (line: string) => [...new Set(await offersOf(line, env))].sort();

    beforeAll(() => {
      writeFileSync(join(folder, PROGRAM), '#!/bin/sh\n');
      chmodSync(join(folder, PROGRAM), 0o755);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    test('commands', async () => {
      expect(await offers('bindport fi')).toEqual(['find']);
      const words = (await offers('bindport ')).filter((word) => !word.startsWith('-'));
      const commands = await listed(COMMANDS, '--help');
      expect(words).toEqual([...commands, 'help'].sort());
      expect(await offers('bindport help w')).toEqual(['wait', 'why']);
      expect(await offers('bindport --v')).toEqual(['--version']);
    });

    test('the options of each command, those of its help', async () => {
      for (const command of await listed(COMMANDS, '--help')) {
        expect(await offers(`bindport ${command} --`)).toEqual(
          await listed(LONG_OPTIONS, command, '--help'),
        );
      }
    });

    test('values', async () => {
      const hosts = ['0.0.0.0', '127.0.0.1', 'localhost'];
      expect(await offers('bindport find --host ')).toEqual(hosts);
      expect(await offers('bindport run --port 3000 --host ')).toEqual(hosts);
      // fish offers the whole word.
      const given = await offers('bindport find --host=lo');
      expect(given.map((word) => word.replace('--host=', ''))).toEqual(['localhost']);
      const shells = (await offers('bindport completion ')).filter((word) => !word.startsWith('-'));
      expect(shells).toEqual(['bash', 'fish', 'zsh']);
      expect(await offers('bindport run --port ')).toEqual([]);
      expect(await offers('bindport find --number ')).toEqual([]);
    });

    test.each([
      'bindport run ',
      'bindport run --strict --port 3000 --host=localhost ',
      'bindport run --guarded -- ',
    ])('the program behind %j', async (line) => {
      expect(await offers(`${line}bindport-test-p`)).toEqual([PROGRAM]);
      // Its options are its own.
      expect(await offers(`${line}${PROGRAM} --`)).toEqual([]);
      expect(await offers(`${line}${PROGRAM} --host `)).not.toContain('localhost');
    });
  });
}
