import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { bindport } from '../../support/cli';
import { completes, type OffersOf } from '../../support/completions';
import { fixture } from '../../support/paths';

const run = promisify(execFile);

const folder = mkdtempSync(join(tmpdir(), 'bindport-completion-'));
afterAll(() => rmSync(folder, { recursive: true }));

const scriptOf = (shell: string) => join(folder, `completion.${shell}`);

beforeAll(async () => {
  for (const shell of ['zsh', 'fish']) {
    const { out, code } = await bindport('completion', shell);
    expect(code).toBe(0);
    writeFileSync(scriptOf(shell), out);
  }
});

/** Both keep files of their own at home. */
async function linesOf(shell: string, args: string[], env: NodeJS.ProcessEnv): Promise<string[]> {
  const { stdout, stderr } = await run(shell, args, { env: { ...env, HOME: folder } });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

const zsh: OffersOf = (line, env) =>
  linesOf('zsh', ['-f', fixture('cli/offers.zsh'), scriptOf('zsh'), line], env);

const fish: OffersOf = async (line, env) => {
  const script = 'source $argv[1]; complete -C $argv[2]';
  const lines = await linesOf('fish', ['--no-config', '-c', script, scriptOf('fish'), line], env);
  // The description is behind a tab.
  return lines.map((offer) => offer.replace(/\t.*/, ''));
};

completes('zsh', zsh);
completes('fish', fish);
