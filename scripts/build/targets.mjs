// The platforms that a binary is built for and shipped for.
import { posix } from 'node:path';
import { fail } from '../project.mjs';

// `os` is the name that the conditions of binding.gyp know; `file` is looked for by src/base/addon.ts, and has
// node-gyp-build's tags.
export const targets = {
  'win32-x64': { triple: 'x86_64-windows-gnu', os: 'win', file: 'bindport.node' },
  'win32-arm64': { triple: 'aarch64-windows-gnu', os: 'win', file: 'bindport.node' },
  'linux-x64': { triple: 'x86_64-linux-gnu.2.17', os: 'linux', file: 'bindport.glibc.node' },
  'linux-x64-musl': { triple: 'x86_64-linux-musl', os: 'linux', file: 'bindport.musl.node' },
  'linux-arm64': { triple: 'aarch64-linux-gnu.2.17', os: 'linux', file: 'bindport.glibc.node' },
  'linux-arm64-musl': { triple: 'aarch64-linux-musl', os: 'linux', file: 'bindport.musl.node' },
  'linux-arm': { triple: 'arm-linux-gnueabihf.2.17', os: 'linux', file: 'bindport.glibc.node' },
  'linux-arm-musl': { triple: 'arm-linux-musleabihf', os: 'linux', file: 'bindport.musl.node' },
  'darwin-x64': { triple: 'x86_64-macos.11.0', os: 'mac', file: 'bindport.node' },
  'darwin-arm64': { triple: 'aarch64-macos.11.0', os: 'mac', file: 'bindport.node' },
};

/** Where a target's binary is, from the root. */
export const fileOf = (name) => {
  const [platform, arch] = name.split('-');
  return posix.join('prebuilds', `${platform}-${arch}`, targets[name].file);
};

/** Where the target's launcher is, which starts guarded programs: on Linux, one for each processor. */
export const launcherOf = (name) =>
  targets[name].os === 'linux'
    ? posix.join(posix.dirname(fileOf(name)), 'bindport-launcher')
    : undefined;

/** Of the C library that is linked into the launcher, which then needs none. */
export const launcherTriple = (name) => targets[`${name.replace(/-musl$/, '')}-musl`].triple;

/** All files of a target. */
export const filesOf = (name) => [fileOf(name), launcherOf(name)].filter(Boolean);

/** The targets that a command line names, or all. */
export const targetNames = (given) => {
  const all = Object.keys(targets);
  const unknown = given.filter((name) => !all.includes(name));
  if (unknown.length > 0) fail(`no such target: ${unknown.join(' ')}; there are ${all.join(' ')}`);
  return given.length > 0 ? given : all;
};
