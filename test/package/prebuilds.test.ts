import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root } from '../support/paths';
import { runWhen, unixOnly } from '../support/platform';

const addon = join(root, 'build/Release/bindport.node');
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bindport-prebuilds-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function place(file: string, from: string): void {
  const path = join(folder, 'prebuilds', file);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(from, path);
}

const packs = unixOnly('Windows builds no packages here: the sources are not beside the suite');

function check(...targets: string[]) {
  const script = join(root, 'scripts/check/prebuilds.mjs');
  return spawnSync(process.execPath, [script, '--in', folder, ...targets], { encoding: 'utf8' });
}

const targets: readonly string[] = [
  ...['win32-x64/bindport.node', 'win32-arm64/bindport.node'],
  ...['linux-x64/bindport.glibc.node', 'linux-x64/bindport.musl.node'],
  ...['linux-arm64/bindport.glibc.node', 'linux-arm64/bindport.musl.node'],
  ...['linux-arm/bindport.glibc.node', 'linux-arm/bindport.musl.node'],
  ...['x64', 'arm64', 'arm'].map((arch) => `linux-${arch}/bindport-launcher`),
  ...['darwin-x64/bindport.node', 'darwin-arm64/bindport.node'],
];

const onThisLinux = runWhen(
  process.platform === 'linux' && process.arch === 'x64',
  "this machine's binary is none of Linux x64",
);

test('every binary that is missing is named, with the command that makes it', packs, () => {
  const { status, stderr } = check();
  expect(status).toBe(1);
  for (const file of targets) expect(stderr).toContain(`prebuilds/${file}: missing`);
  expect(stderr).toContain('npm run build:prebuilds');
});

test('a binary that the compiler of this machine made is not for every Linux', onThisLinux, () => {
  place('linux-x64/bindport.glibc.node', addon);
  const { status, stderr } = check('linux-x64');
  expect(status).toBe(1);
  expect(stderr).toMatch(/it needs libraries that are not the system's: .*libstdc\+\+/);
  expect(stderr).toMatch(/it exports /);
  expect(stderr).toContain('it is not the one that the last build made');
});

test('a binary of another system or processor is foreign', onThisLinux, () => {
  place('win32-x64/bindport.node', addon);
  place('linux-arm64/bindport.glibc.node', addon);
  const { status, stderr } = check('win32-x64', 'linux-arm64');
  expect(status).toBe(1);
  expect(stderr).toContain('prebuilds/win32-x64/bindport.node: it is ELF, not PE');
  expect(stderr).toContain('prebuilds/linux-arm64/bindport.glibc.node: it is for x64, not arm64');
});

test('a launcher that is not for every Linux, or not to be executed, is named', onThisLinux, () => {
  place('linux-x64/bindport-launcher', join(root, 'build/Release/bindport-launcher'));
  chmodSync(join(folder, 'prebuilds/linux-x64/bindport-launcher'), 0o644);
  const { status, stderr } = check('linux-x64');
  expect(status).toBe(1);
  expect(stderr).toMatch(/bindport-launcher: it needs libraries: .*libc/);
  expect(stderr).toContain('bindport-launcher: not everybody may execute it');
});

test('what is no binary at all, or no target has, is named', packs, () => {
  place('darwin-arm64/bindport.node', join(root, 'package.json'));
  place('sunos-x64/bindport.node', join(root, 'package.json'));
  const { status, stderr } = check('darwin-arm64');
  expect(status).toBe(1);
  expect(stderr).toContain('neither ELF nor PE nor Mach-O');
  expect(stderr).toContain('prebuilds/sunos-x64/bindport.node: no target has it');
});

test('a target that there is not is named', packs, () => {
  const { status, stderr } = check('linux-x86');
  expect(status).toBe(1);
  expect(stderr).toContain('no such target: linux-x86');
});

test('packing runs the check', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(scripts.prepack).toBe('npm run check:prebuilds');
});
