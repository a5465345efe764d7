// Runs Windows programs in a Wine prefix of the project's own.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../project.mjs';

export const prefix = join(root, '.cache/wine');
/** Drive P: of the prefix. Windows programs see this folder and nothing above it. */
export const drive = join(root, '.cache/windows');

// Debian's `wine` starts with a warning about 32-bit libraries; the loader that Node needs is off the PATH.
const wine = () => ['/usr/lib/wine/wine64', '/usr/bin/wine64'].find((file) => existsSync(file));

// Little else of this machine's environment means anything to a Windows program.
const environment = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  ...(process.env.CI && { CI: process.env.CI }),
  WINEPREFIX: prefix,
  WINEARCH: 'win64',
  WINEDEBUG: '-all',
  // no menu entries, and no offers to fetch .NET or a browser
  WINEDLLOVERRIDES: 'winemenubuilder.exe,mscoree,mshtml=d',
  // by which stop() knows them
  BINDPORT_WINE: prefix,
};

/** Wine's server ended under a program: of its own accord, once in some 50 runs of the suite. */
export class WineCrashed extends Error {}

const server = (...flags) => ['wineserver', flags, { env: environment, stdio: 'ignore' }];

/** Runs a program with its output in a file of drive P:; resolves to its exit status, or null when it was out of time. */
export const run = async (
  program,
  args,
  { cwd = drive, seconds = 60, output = 'output.txt' } = {},
) => {
  mkdirSync(drive, { recursive: true });
  spawnSync(...server('-p'));
  // Node on Wine takes a Unix pipe for a bad descriptor (EBADF): only files and /dev/null will do.
  const file = openSync(join(drive, output), 'w');
  const child = spawn(wine(), [program, ...args], {
    cwd,
    // Wine puts WINEPATH before its own PATH: programs find the Node that runs them.
    env: { ...environment, WINEPATH: program.replace(/\\[^\\]*$/, '') },
    stdio: ['ignore', file, file],
  });
  closeSync(file);
  // Ends with the server. Without it programs hang.
  const serverEnd = spawn(...server('-w'));
  let cutShort = false;
  const end = (why) => {
    cutShort ||= why;
    stop();
    child.kill('SIGKILL');
  };
  const limit = setTimeout(end, seconds * 1000, 'late');
  serverEnd.once('exit', () => end('crashed'));
  try {
    const status = await new Promise((resolve, reject) =>
      child.once('error', reject).once('exit', resolve),
    );
    if (cutShort === 'crashed') throw new WineCrashed(`Wine's server ended under ${program}`);
    return cutShort ? null : status;
  } finally {
    clearTimeout(limit);
    serverEnd.removeAllListeners('exit').kill();
  }
};

export const outputOf = (output = 'output.txt') =>
  readFileSync(join(drive, output), 'utf8').replaceAll('\r\n', '\n');

/** Ends every program of the prefix. */
export const stop = () => {
  for (const flag of ['-k', '-w']) {
    const [command, flags, options] = server(flag);
    spawnSync(command, flags, { ...options, timeout: 10_000 });
  }
  // Those that are left when the server has crashed wait for it for ever.
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
      if (environ.split('\0').includes(`BINDPORT_WINE=${prefix}`))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended, or is another user's.
    }
  }
};
