// Runs Windows programs in a Wine prefix of the project's own.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './zig.mjs';

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
};

/** Runs a program with its output in a file of drive P:; resolves to its exit status, or null when it was out of time. */
export const run = async (
  program,
  args,
  { cwd = drive, seconds = 60, output = 'output.txt' } = {},
) => {
  mkdirSync(drive, { recursive: true });
  // Node on Wine takes a Unix pipe for a bad descriptor (EBADF): only files and /dev/null will do.
  const file = openSync(join(drive, output), 'w');
  const child = spawn(wine(), [program, ...args], {
    cwd,
    // Wine puts WINEPATH before its own PATH: programs find the Node that runs them.
    env: { ...environment, WINEPATH: program.replace(/\\[^\\]*$/, '') },
    stdio: ['ignore', file, file],
  });
  closeSync(file);
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    stop();
    child.kill('SIGKILL');
  }, seconds * 1000);
  try {
    const status = await new Promise((resolve, reject) =>
      child.once('error', reject).once('exit', resolve),
    );
    return late ? null : status;
  } finally {
    clearTimeout(limit);
  }
};

export const outputOf = (output = 'output.txt') =>
  readFileSync(join(drive, output), 'utf8').replaceAll('\r\n', '\n');

/** Ends every program of the prefix. */
export const stop = () => {
  for (const flag of ['-k', '-w'])
    spawnSync('wineserver', [flag], { env: environment, stdio: 'ignore', timeout: 10_000 });
};
