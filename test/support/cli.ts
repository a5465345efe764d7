import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { dist } from './paths';
import { ended } from './reservations';

export const program = dist.replace(/index\.js$/, 'cli/main.js');

/** Starts the command line program of the built package. */
export function start(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
}

/** Runs it to its end. */
export async function bindport(...args: string[]) {
  const child = start(args);
  const [out, err, [code, signal]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    ended(child),
  ]);
  return { out, err, code, signal };
}

/** Runs a shell command line. */
export async function shell(line: string) {
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE: process.execPath, PROGRAM: program },
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended(child),
  ]);
  return { out, err, code };
}
