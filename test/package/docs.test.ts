import { exec, execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Consumer } from '../support/consumer';
import { root } from '../support/paths';
import { notInWine } from '../support/platform';

const run = promisify(execFile);

interface Block {
  language: string;
  line: number;
  code: string;
}

function codeBlocks(file: string): Block[] {
  const text = readFileSync(join(root, file), 'utf8');
  return Array.from(text.matchAll(/^```(\w*)\n(.*?)^```$/gms), (match) => ({
    language: match[1] ?? '',
    line: text.slice(0, match.index).split('\n').length,
    code: match[2] ?? '',
  }));
}

const blocks = codeBlocks('README.md');
const scripts = new Map<string, unknown>(
  Object.entries(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts),
);

test('docs/cpython-parity.md names tests that exist', () => {
  const text = readFileSync(join(root, 'docs/cpython-parity.md'), 'utf8');
  const source = readFileSync(join(root, 'test/ports/bind-port.test.ts'), 'utf8');
  const named = Array.from(text.matchAll(/\| `([^`]+)` +\|$/gm), (match) => match[1] ?? '');
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((name) => !source.includes(`'${name}'`))).toEqual([]);
});

test('scripts that the documents and package.json name exist', () => {
  const documents = readdirSync(join(root, 'docs'), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `docs/${entry.name}`);
  const named = ['README.md', 'CONTRIBUTING.md', 'package.json', ...documents].flatMap(
    (file) => readFileSync(join(root, file), 'utf8').match(/\bscripts\/[\w/-]+\.mjs/g) ?? [],
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('the demo runs, and nobody takes its port', async () => {
  // An exit status of 1 would reject.
  const { stdout, stderr } = await run(process.execPath, ['examples/demo.mjs'], { cwd: root });
  expect(stderr).toBe('');
  expect(stdout).toContain('hello from the adopted socket');
  expect(stdout).toContain('The port stayed ours.');
});

const examples = [
  'README.md',
  'docs/inspecting.md',
  'docs/migrating.md',
  'docs/reservations.md',
].flatMap((file) =>
  codeBlocks(file)
    .filter(({ language }) => language === 'js')
    .map((block) => ({ file, ...block })),
);

test.each(examples)('$file has an example at line $line that runs', async ({ code }) => {
  // In the package's own folder, where the name `bindport` leads to the package.
  const args = ['--input-type=module', '--eval', code];
  const { stdout, stderr } = await run(process.execPath, args, { cwd: root, timeout: 20_000 });
  expect(stderr).toBe('');
  if (code.includes('console.log')) expect(stdout).not.toBe('');
});

test(
  'every example compiles under strict',
  notInWine('links to folders are refused there'),
  async () => {
    const project = new Consumer();
    project.install('@types/node');
    const files = examples.map(({ file, line, code }) => {
      const name = `${basename(file, '.md')}-${line}.mts`;
      project.write(name, code);
      return name;
    });
    const compilerOptions = {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      types: ['node'],
    };
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
    expect(await project.run(join(root, 'node_modules/typescript/bin/tsc'), '-p', '.')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  },
);

describe('the README', () => {
  test('has only blocks that are checked here', () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['js', 'sh']));
  });

  const commands = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.trim().split('\n'))
    .map((line) => line.replace(/\s+#.*$/, ''));

  // Running `npm ci` would replace the packages under the other tests: .ci/run runs these.
  test.each(commands.filter((command) => command.startsWith('npm ci')))(
    '%s: scripts that exist',
    (command) => {
      const names = Array.from(
        command.matchAll(/npm (?:run )?(?!ci)([\w:]+)/g),
        (match) => match[1],
      );
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) expect(scripts.has(name ?? '')).toBe(true);
    },
  );

  test('npm install bindport is the first command', () => {
    // test:package installs the tarball.
    expect(commands[0]).toBe('npm install bindport');
  });

  test.each(commands.slice(1).filter((command) => !command.startsWith('npm ci')))(
    '%s',
    async (command) => {
      expect(command).toMatch(/^npx bindport /);
      // npx takes seconds to find that the package is the one that it stands in.
      const direct = command.replace('npx bindport', `"${process.execPath}" dist/cli/main.js`);
      const { stdout, stderr } = await promisify(exec)(direct, { cwd: root, timeout: 20_000 });
      expect(stderr).toBe('');
      expect(stdout).toMatch(/\d+/);
    },
  );
});
