import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { findProgram } from '../environments/programs/find-program';
import { Consumer } from '../support/consumer';
import { root } from '../support/paths';
import { isLinux, runWhen } from '../support/platform';

interface Block {
  readonly language: string;
  readonly code: string;
  /** The file that it is to be written to, where it tells one. */
  readonly file: string | undefined;
}

interface Recipe {
  readonly title: string;
  readonly blocks: readonly Block[];
}

const FIRST_COMMENT = /^(?:\/\/|<!--) (\S+\.\w+)(?: -->)?\n/;

function recipesOf(document: string): Recipe[] {
  const sections = readFileSync(join(root, document), 'utf8').split(/^##? /m).slice(1);
  return sections.map((section) => ({
    title: section.slice(0, section.indexOf('\n')),
    blocks: Array.from(
      section.matchAll(/^```(\w+)\n(.*?)^```$/gms),
      ([, language = '', code = '']) => ({
        language,
        code,
        file: FIRST_COMMENT.exec(code)?.[1],
      }),
    ),
  }));
}

/** What the comments behind a block's `console.log` say that it prints: pieces, `…` stands for anything. */
function printed(code: string): string[] {
  const comments = Array.from(
    code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm),
    ([, text = '']) => text,
  );
  return comments.flatMap((text) => text.split('…')).filter((piece) => piece !== '');
}

const run = promisify(execFile);

const missing = ['redis-server'].filter((program) => findProgram(program) === undefined);
const here = runWhen(isLinux, 'the packages are installed for Linux alone');

const documents = ['docs/recipes.md', 'docs/troubleshooting.md'];

const sections = documents.flatMap(recipesOf).filter(({ blocks }) => blocks.length > 0);

/** The runners' programs, as npx finds them. */
const runners: Readonly<Record<string, string>> = {
  vitest: 'vitest/vitest.mjs',
  jest: 'jest/bin/jest.js',
};

describe.each(sections)('$title', here, ({ blocks }) => {
  const scripts = blocks.filter(({ language, file }) => language === 'js' && file === undefined);
  const files = blocks.filter(({ file }) => file !== undefined);
  const commands = blocks.filter(({ language }) => language === 'sh');
  const ours = commands.filter(({ code }) => code.startsWith('npx bindport '));
  const theirs = commands.filter((block) => !ours.includes(block));

  test('has blocks, each of which is run', () => {
    expect(files.length > 0).toBe(theirs.length > 0);
    expect(scripts.length + files.length + commands.length).toBe(blocks.length);
  });

  const runnable = scripts.filter(({ code }) => !missing.some((program) => code.includes(program)));
  test.each(runnable)('its script runs, and prints what it says', async ({ code }) => {
    const args = ['--input-type=module', '--eval', code];
    const options = { cwd: root, timeout: 20_000 };
    const { stdout, stderr } = await run(process.execPath, args, options);
    expect(stderr).toBe('');
    for (const piece of printed(code)) expect(stdout).toContain(piece);
  });

  test.each(ours)('its command runs: $code', async ({ code }) => {
    const args = ['dist/cli/main.js', ...code.trim().split(' ').slice(2)];
    // Somebody may have the port: then the status is 1, and the answer no failure.
    const { stdout, stderr } = await run(process.execPath, args, { cwd: root }).catch(
      (error) => error,
    );
    expect(stderr).toBe('');
    expect(stdout).toMatch(/\d+/);
  });

  test.each(theirs)('its files do what they say: $code', async ({ code: command }) => {
    const project = new Consumer();
    for (const name of ['vitest', 'vite', 'jest']) project.install(name);
    for (const { file = '', code } of files) project.write(file, code.replace(FIRST_COMMENT, ''));
    const [program, name = '', ...args] = command.trim().split(' ');
    const script = program === 'npx' ? join('node_modules', runners[name] ?? '') : name;
    const { code, stdout, stderr } = await project.run(script, ...args);
    const output = stdout + stderr;
    expect({ code, output }).toMatchObject({ code: 0 });
    const pieces = files.flatMap((block) => printed(block.code));
    for (const piece of pieces) expect(stdout).toContain(piece);
    if (pieces.length === 0) expect(output).toMatch(/1 passed/);
    expect(output).not.toMatch(/never released|did not exit/);
  });
});
