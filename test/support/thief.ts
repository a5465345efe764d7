import { expect } from 'vitest';
import { reportOf } from './child';
import { isWindows } from './platform';

interface Attempt {
  names: string[];
  host: string;
  result: string;
}

function isAttempt(value: unknown): value is Attempt {
  return typeof value === 'object' && value !== null && 'names' in value && 'result' in value;
}

export type SocketType = 'SOCK_STREAM' | 'SOCK_DGRAM';

/** What another process gets when it binds the port in every way, on its address and the wildcard. */
export async function steal(port: number, type: SocketType): Promise<Attempt[]> {
  const attempts = await reportOf('ports/thief.cjs', { args: [String(port), type] });
  if (!Array.isArray(attempts) || !attempts.every(isAttempt)) throw new Error('no report');
  return attempts;
}

export async function expectNothingStolen(port: number, type: SocketType): Promise<void> {
  const all = await steal(port, type);
  expect(all).toHaveLength(isWindows ? 6 : 8);
  // Windows has the wildcard for others beside an exclusive 127.0.0.1, whose owner keeps what is sent
  // to it: serving/listen-exclusive.test.ts.
  const attempts = isWindows ? all.filter(({ host }) => host === '127.0.0.1') : all;
  // Windows refuses some with EACCES: "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE".
  const refused = isWindows ? /^bind (EADDRINUSE|EACCES)$/ : /^bind EADDRINUSE$/;
  for (const { names, host, result } of attempts)
    expect({ names, host, result }).toMatchObject({ result: expect.stringMatching(refused) });
}
