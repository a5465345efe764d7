import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { promisify } from 'node:util';
import { dist, fixture } from './paths';

const run = promisify(execFile);

/**
 * What another program gets that binds the port and listens: on 127.0.0.1, 0.0.0.0 and ::, each with
 * no option, SO_REUSEADDR, SO_REUSEPORT and both. The names of the errors, or TOOK, without repeats.
 */
export async function thieves(port: number, type: 'tcp' | 'udp' = 'tcp'): Promise<Thefts> {
  const { stdout } = await run('python3', [fixture('reservation/thieves.py'), String(port), type]);
  return JSON.parse(stdout);
}

export interface Thefts {
  none: string[];
  reuseAddress: string[];
  reusePort: string[];
  both: string[];
}

export const allRefused: Thefts = {
  none: ['EADDRINUSE'],
  reuseAddress: ['EADDRINUSE'],
  reusePort: ['EADDRINUSE'],
  both: ['EADDRINUSE'],
};

/**
 * Connects, says something if there is something to say, and resolves with all that comes back. The
 * other side closes first, so that its end of the connection stays in TIME_WAIT.
 */
export async function ask(port: number, host = '127.0.0.1', say = ''): Promise<string> {
  const socket = createConnection({ host, port });
  socket.setEncoding('utf8');
  if (say !== '') socket.write(say);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

export async function ended(
  child: ChildProcess,
): Promise<[code: number | null, signal: string | null]> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return [child.exitCode, child.signalCode];
  }
  const [code, signal] = await once(child, 'exit');
  return [code, signal];
}

/** Runs a Node script from its text, with `bindport` as the built package. */
export async function node(
  script: string,
  { openFiles = 0, flags = [] }: { openFiles?: number; flags?: string[] } = {},
): Promise<string> {
  const text = `const bindport = require(${JSON.stringify(dist)});${script}`;
  const limit = openFiles > 0 ? `ulimit -n ${openFiles};` : '';
  const args = [
    '-c',
    `${limit} exec "$0" "$@"`,
    process.execPath,
    '--expose-gc',
    ...flags,
    '-e',
    text,
  ];
  const { stdout } = await run('/bin/sh', args);
  return stdout.trim();
}
