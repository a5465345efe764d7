import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { MAX_TIMEOUT } from '../base/validate';
import {
  type Command,
  HELP,
  type Options,
  onlyOperand,
  optionsHelp,
  printHelp,
  UsageError,
  wholeNumber,
} from './command';

/** Between two tries. No event tells that another process listens. */
const PAUSE = 50;

/** What is waited for: a try resolves with why it is not there yet, or with undefined. */
type Attempt = (signal: AbortSignal) => Promise<string | undefined>;

/** A program that is on one of them only is found, too. */
const LOOPBACKS = ['127.0.0.1', '::1'] as const;

/** Where nobody listens, TCP connects a socket with itself when the kernel gives it that very port as its own. */
function isOwn({ localPort, remotePort, localAddress, remoteAddress }: Socket): boolean {
  return localPort === remotePort && localAddress === remoteAddress;
}

function refusal(host: string, port: number, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (why?: string) => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(why);
    };
    const onAbort = () => end(`no answer from ${host}`);
    signal.addEventListener('abort', onAbort);
    socket
      .once('connect', () => end(isOwn(socket) ? 'nobody listens' : undefined))
      .on('error', ({ message }) => end(message));
  });
}

function listener(port: number): Attempt {
  return async (signal) => {
    const refusals = await Promise.all(LOOPBACKS.map((host) => refusal(host, port, signal)));
    return refusals.includes(undefined) ? undefined : refusals[0];
  };
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch tells no more than that it failed; an AggregateError of both addresses has a code alone.
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  if (cause.message !== '') return cause.message;
  return 'code' in cause ? String(cause.code) : error.message;
}

function answer(url: URL): Attempt {
  return async (signal) => {
    try {
      const response = await fetch(url, { signal });
      await response.body?.cancel();
      return response.ok ? undefined : `the last answer was ${response.status}`;
    } catch (error) {
      return signal.aborted ? 'no answer' : causeOf(error);
    }
  };
}

/** Tries until it is there; resolves with the last reason when the time is over before. */
async function until(attempt: Attempt, milliseconds: number): Promise<string | undefined> {
  const over = AbortSignal.timeout(milliseconds);
  for (;;) {
    const why = await attempt(over);
    if (why === undefined || over.aborted) return why;
    await sleep(PAUSE, undefined, { signal: over }).catch(() => {});
    if (over.aborted) return why;
  }
}

function attemptFor(target: string): Attempt {
  if (/^\d+$/.test(target)) return listener(wholeNumber('PORT', target, 1, 65535));
  if (URL.canParse(target)) {
    const url = new URL(target);
    const { protocol, username, password } = url;
    if (username !== '' || password !== '') {
      throw new UsageError('URL must hold neither a user nor a password');
    }
    if (protocol === 'http:' || protocol === 'https:') return answer(url);
  }
  throw new UsageError(`a port or an http(s) URL is waited for, not '${target}'`);
}

const options = {
  timeout: {
    type: 'string',
    value: 'MS',
    about: `how long, 1 to ${MAX_TIMEOUT} milliseconds; for ever without it`,
  },
  help: HELP,
} as const satisfies Options;

export const wait: Command = {
  options,
  help: () => `Usage: bindport wait [--timeout MS] PORT | URL

Waits until somebody listens on a TCP port of this machine (127.0.0.1 or ::1), by connecting to it; or
until a URL answers with a status of 200 to 299, redirects followed.

  bindport wait 5432
  bindport wait --timeout 5000 http://localhost:3000/health

${optionsHelp(options)}
Exit status: 0 once it is there, 1 when it is not in time (with the last reason), 2 bad use.
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options,
    });
    if (values.help) return printHelp(wait);
    const target = onlyOperand(positionals, 'which port, or which URL?', 'one of them');
    const timeout = wholeNumber('--timeout', values.timeout ?? String(MAX_TIMEOUT), 1, MAX_TIMEOUT);
    const why = await until(attemptFor(target), timeout);
    if (why === undefined) return 0;
    process.stderr.write(`bindport wait: not within ${timeout} ms: ${why}\n`);
    return 1;
  },
};
