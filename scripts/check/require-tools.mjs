// Sees to it that the programs that a check needs are there: node scripts/check/require-tools.mjs NAME…
// Installs Debian's packages as root, else says what is missing and fails. A check is never skipped.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fail } from '../project.mjs';

/** A command that succeeds where the program is there and may be used, and the packages that have it. */
const tools = {
  cc: { probe: ['cc', '--version'], packages: ['gcc', 'libc6-dev'] },
  'cpython-tests': {
    probe: ['python3', '-c', 'import test.support.socket_helper'],
    packages: ['python3', 'libpython3-testsuite'],
  },
  fish: { probe: ['fish', '--version'], packages: ['fish'] },
  ip: { probe: ['ip', '-V'], packages: ['iproute2'] },
  musl: { probe: ['ls', '/lib/ld-musl-x86_64.so.1'], packages: ['musl'] },
  nft: { probe: ['nft', '--version'], packages: ['nftables'] },
  nginx: { probe: ['nginx', '-v'], packages: ['nginx-light'] },
  nsenter: { probe: ['nsenter', '--version'], packages: ['util-linux'] },
  postgres: {
    probe: ['sh', '-c', 'command -v initdb || ls /usr/lib/postgresql/*/bin/initdb'],
    packages: ['postgresql'],
  },
  python3: { probe: ['python3', '--version'], packages: ['python3'] },
  'qemu-user': {
    // Node wants the C++ library and, on 32-bit ARM, libatomic.
    probe: [
      'sh',
      '-c',
      'qemu-arm --version && qemu-aarch64 --version && ls /usr/aarch64-linux-gnu/lib/libstdc++.so.6 /usr/arm-linux-gnueabihf/lib/libstdc++.so.6 /usr/arm-linux-gnueabihf/lib/libatomic.so.1',
    ],
    packages: [
      'qemu-user',
      ...['libc6-arm64-cross', 'libstdc++6-arm64-cross'],
      ...['libc6-armhf-cross', 'libstdc++6-armhf-cross', 'libatomic1-armhf-cross'],
    ],
  },
  'redis-server': { probe: ['redis-server', '--version'], packages: ['redis-server'] },
  setpriv: { probe: ['setpriv', '--version'], packages: ['util-linux'] },
  ss: { probe: ['ss', '-V'], packages: ['iproute2'] },
  strace: { probe: ['strace', '-o', '/dev/null', 'true'], packages: ['strace'] },
  sysctl: { probe: ['sysctl', '--version'], packages: ['procps'] },
  // Making a network namespace takes root.
  unshare: { probe: ['unshare', '--net', 'true'], packages: ['util-linux'] },
  wine: {
    probe: [
      'sh',
      '-c',
      'command -v wineserver && { ls /usr/lib/wine/wine64 || command -v wine64; }',
    ],
    packages: ['wine', 'wine64'],
  },
  zsh: { probe: ['zsh', '--version'], packages: ['zsh'] },
};

// Servers are in /usr/sbin, which is on the path of root alone.
const path = `${process.env.PATH}:/usr/sbin:/sbin`;

const isThere = (name) => {
  const [command, ...args] = tools[name].probe;
  const env = { ...process.env, PATH: path };
  return spawnSync(command, args, { stdio: 'ignore', env }).status === 0;
};

export const requireTools = (names) => {
  const missing = names.filter((name) => !isThere(name));
  if (missing.length === 0) return;
  const packages = missing.flatMap((name) => tools[name].packages);
  if (process.getuid() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { stdio: ['ignore', 'ignore', 'inherit'], env };
    spawnSync('apt-get', ['update', '-q'], options);
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], options);
  }
  const still = missing.filter((name) => !isThere(name));
  if (still.length > 0) fail(`missing: ${still.join(', ')} (Debian: ${packages.join(' ')})`);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !Object.hasOwn(tools, name));
  if (names.length === 0 || unknown.length > 0) {
    fail(
      `usage: node scripts/check/require-tools.mjs NAME…\nnames: ${Object.keys(tools).join(' ')}`,
    );
  }
  requireTools(names);
}
