// Builds this machine's binary with prebuildify and the system's own compiler, whose warnings are errors, and runs
// the black-box program with it. What is shipped is zig's (cross-build.mjs), the same bytes wherever it is built; this
// shows that the sources suit every system's own compiler and headers.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { nodeHeaders } from '../build/cross-build.mjs';
import { fail, require, root } from '../project.mjs';

const run = (what, args, options) => {
  const { status, error } = spawnSync(process.execPath, args, { stdio: 'inherit', ...options });
  if (status !== 0) fail(`${what}: ${error?.message ?? `ended with ${status}`}`);
};

// Away from build/, which has this machine's own build. prebuildify's output goes where the package has it.
const folder = join(root, '.cache/host');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const part of ['binding.gyp', 'native', 'package.json'])
  cpSync(join(root, part), join(folder, part), { recursive: true });

// With headers that are here nothing is fetched.
const headers = nodeHeaders();
const prebuildify = join(dirname(require.resolve('prebuildify/package.json')), 'bin.js');
const libc = process.platform === 'linux' ? ['--tag-libc', 'glibc'] : [];
run(
  'prebuildify',
  [
    prebuildify,
    ...['--napi', '--strip', '--name', 'bindport', '--target', process.versions.node],
    ...libc,
  ],
  {
    cwd: folder,
    env: {
      ...process.env,
      CXXFLAGS: '-Werror',
      ...(headers && { npm_config_nodedir: resolve(headers, '../..') }),
    },
  },
);
const file = `prebuilds/${process.platform}-${process.arch}/bindport${libc.length > 0 ? '.glibc' : ''}.node`;
if (!existsSync(join(folder, file))) fail(`prebuildify made no ${file}`);
console.log(file);
run('the program', ['test/environments/runtimes/smoke.cjs'], {
  cwd: root,
  env: { ...process.env, BINDPORT_PREBUILD: folder },
});
