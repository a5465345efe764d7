import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { bindport, program } from '../support/cli';
import { completes, type OffersOf } from '../support/completions';
import { unixOnly } from '../support/platform';

const run = promisify(execFile);

/** Calls the function that is registered, as readline does. */
const ASK = `
eval "$("$NODE" "$CLI" completion bash)" || exit
[[ $(complete -p bindport) =~ -F\\ ([^ ]+) ]] || exit
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"\${BASH_REMATCH[1]}" bindport
((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"
`;

const offersOf: OffersOf = async (line, env) => {
  // An = is a word of its own (COMP_WORDBREAKS).
  const words = line.split(/ |(?<==)|(?==)/);
  const args = ['--norc', '--noprofile', '-u', '-c', ASK, 'bash', ...words];
  const options = { env: { ...env, NODE: process.execPath, CLI: program } };
  const { stdout, stderr } = await run('bash', args, options);
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
};

describe('bindport completion', unixOnly('bash is a program of Unix'), () => {
  completes('bash', offersOf);

  test('has bash offer files as arguments of a program', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bindport-files-'));
    try {
      await writeFile(join(folder, 'two words *.txt'), '');
      expect(await offersOf(`bindport run -- cat ${folder}/two`, process.env)).toEqual([
        join(folder, 'two words *.txt'),
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.each([
    [[], 'for which shell? bash, zsh, fish'],
    [['tcsh'], "'tcsh' is none of bash, zsh, fish"],
    [['bash', 'zsh'], "one shell, not 'bash zsh'"],
    [['--fly'], "Unknown option '--fly'"],
  ])('%j is bad use', async (args, message) => {
    const { out, err, code } = await bindport('completion', ...args);
    expect([out, code]).toEqual(['', 2]);
    expect(err).toContain(`bindport completion: ${message}`);
  });
});
