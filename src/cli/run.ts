import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { socketsAreFiles } from '../base/platform';
import { MAX_TIMEOUT } from '../base/validate';
import type { PortReservation } from '../reservation/port-reservation';
import { reservePort } from '../reservation/reserve-port';
import type { PassedAs } from '../reservation/spawn';
import {
  type Command,
  HELP,
  HOSTS,
  hostsIn,
  type Options,
  optionsHelp,
  portsIn,
  printHelp,
  UsageError,
  wholeNumber,
} from './command';
import { reserveExactly } from './exact-port';
import { inUseHint } from './in-use-hint';

/** Those that ask a program to do something, and that a program can get. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'] as const;

/** Those that a terminal sends to the program itself, which is in the same process group. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;

/** What a shell says of a command that it can't find, and of one that it may not run. */
const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;

/** A shell's status for a program that a signal has ended is 128 and the signal's number. */
const BY_SIGNAL = 128;

function isCode(error: unknown, code: string): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}

/**
 * Takes the signals before there is a program: one that comes while it starts would end this process and leave the
 * program alone. Node tells of a signal only once the code that starts the program has returned.
 */
function forwardSignals(child: () => ChildProcess | undefined): () => void {
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const forward = (signal: NodeJS.Signals) => child()?.kill(signal);
  // Twice Ctrl+C makes many programs give up at once.
  const leave = () => {};
  for (const signal of FORWARDED) process.on(signal, forward);
  for (const signal of FROM_TERMINAL) process.on(signal, atTerminal ? leave : forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
    for (const signal of FROM_TERMINAL) process.off(signal, atTerminal ? leave : forward);
  };
}

/** What to do with a whole command line that was given as one word, and so names no program. */
function hintFor(command: string): string {
  if (!/[\s$|&;<>]/.test(command)) return '';
  return "bindport: that is one word, the name of a program; for a shell's command line: run -- sh -c '…'\n";
}

/** The program's exit status, as a shell would tell it. */
function statusOf(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) =>
      resolve(signal === null ? (code ?? 1) : BY_SIGNAL + constants.signals[signal]),
    );
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      process.stderr.write(`bindport: ${command}: ${error.message}\n${hintFor(command)}`);
      resolve(isCode(error, 'ENOENT') ? NOT_FOUND : NOT_RUNNABLE);
    });
  });
}

async function serve(
  reservation: PortReservation,
  command: string,
  args: readonly string[],
  pass: PassedAs,
): Promise<number> {
  let child: ChildProcess | undefined;
  const stop = forwardSignals(() => child);
  try {
    child = reservation.spawn(command, args, { stdio: 'inherit', pass });
    return await end(reservation, child, command, pass);
  } finally {
    stop();
  }
}

/** The status to end with, once the program has ended or a stranger has its port. */
async function end(
  reservation: PortReservation,
  child: ChildProcess,
  command: string,
  pass: PassedAs,
): Promise<number> {
  const ended = new AbortController();
  const status = statusOf(child, command).finally(() => {
    // One that has failed is told from one that found its port taken.
    if (child.exitCode === 0) ended.abort();
  });
  const failure = pass === 'systemd' ? undefined : await failureOf(reservation, ended.signal);
  if (!isCode(failure, 'ERR_RESERVATION_TAKEN')) {
    if (pass === 'port' && isCode(failure, 'ERR_RESERVATION_PROGRAM_EXITED') && child.exitCode) {
      process.stderr.write(inUseHint(command, child.exitCode, reservation));
    }
    return await status;
  }
  process.stderr.write(`bindport: ${failure.message}\n`);
  await reservation[Symbol.asyncDispose]();
  return 1;
}

/** Why the program will not listen; undefined once it does. */
async function failureOf(reservation: PortReservation, signal: AbortSignal): Promise<unknown> {
  try {
    await reservation.ready({ timeout: MAX_TIMEOUT, signal });
  } catch (error) {
    return error;
  }
  return undefined;
}

const options = {
  host: {
    type: 'string',
    multiple: true,
    value: 'H',
    offers: HOSTS,
    about:
      "keep the port on this address: a numeric address or 'localhost'; can be given several times; without it, on every address",
  },
  port: {
    type: 'string',
    multiple: true,
    value: 'P',
    about: 'take this port, or one of P-Q, if it is free, else any; can be given several times',
  },
  strict: {
    type: 'boolean',
    default: false,
    about:
      'take no other port than those of --port; when somebody has each of them, who it is is told, and the program is not run',
  },
  wait: {
    type: 'string',
    value: 'MS',
    about: `wait until one of them is free, 0 to ${MAX_TIMEOUT} milliseconds; needs --strict`,
  },
  udp: { type: 'boolean', default: false, about: 'a UDP port; needs --activate' },
  activate: {
    type: 'boolean',
    default: false,
    about:
      "pass the socket itself as descriptor 3: as systemd's socket activation does (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES), for programs that take one, and for those that do not set SO_REUSEADDR",
  },
  guarded: {
    type: 'boolean',
    default: false,
    about:
      'nobody but the program, and what it starts, can bind the port, not even before it listens; for programs that do not set SO_REUSEADDR, too (Linux 5.19 and later)',
  },
  help: HELP,
} as const satisfies Options;

export const run: Command = {
  options,
  operand: 'program',
  help: () => `Usage: bindport run [--host H]... [--port P | --port P-Q]... [--strict [--wait MS]]
                    [--udp] [--activate | --guarded] [--] COMMAND [ARGUMENT]...

Reserves a port, puts it in the place of {port} in the arguments and in the variable PORT, and runs
the program. Until the program ends the kernel gives the port to nobody who asks for any, even while it
crashes and starts again. Another program that binds this very number first is named, where the system
tells (Linux), and ends the run with status 1; with --activate none can.
Forwards signals (but Ctrl+C and Ctrl+\\, which a terminal sends to the program too), and exits with
the program's status: 128 + N when signal N ended it, 127 when it was not found, 126 when it could not
be run; 1 too when no port could be had, 2 for bad use.

${optionsHelp(options)}
  bindport run -- redis-server --port {port}
  bindport run -- vitest
  bindport run --strict --wait 5000 --port 3000 -- node server.js
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      ...split(args),
      allowPositionals: true,
      options,
    });
    if (values.help) return printHelp(run);
    const [command, ...rest] = positionals;
    if (command === undefined) throw new UsageError('which program is to run?');
    if (values.activate && values.guarded) {
      throw new UsageError('--activate passes the socket, --guarded the number: one of them');
    }
    if (values.udp && !values.activate) {
      throw new UsageError('--udp needs --activate: a UDP port can only be handed over');
    }
    if (values.activate && !socketsAreFiles) {
      throw new UsageError('--activate needs a system where sockets are files: not Windows');
    }
    const ports = (values.port ?? []).flatMap((given) => portsIn('--port', given, 0));
    if (values.strict && ports.length === 0) throw new UsageError('--strict needs --port');
    if (values.wait !== undefined && !values.strict) throw new UsageError('--wait needs --strict');
    const wait = wholeNumber('--wait', values.wait ?? '0', 0, MAX_TIMEOUT);
    const [only] = ports;
    const wanted = {
      protocol: values.udp ? 'udp' : 'tcp',
      // A privileged port that is given alone is an error, in a list it is passed over.
      port: only !== undefined && ports.length === 1 ? only : ports,
      ...hostsIn(values.host),
    } as const;
    const reservation = values.strict
      ? await reserveExactly({ ...wanted, wait })
      : reservePort(wanted);
    try {
      return await serve(reservation, command, rest, passOf(values));
    } finally {
      reservation.release();
    }
  },
};

function passOf({ activate, guarded }: { activate: boolean; guarded: boolean }): PassedAs {
  if (guarded) return 'guarded';
  return activate ? 'systemd' : 'port';
}

/** The options of the program are its own: ours end where it begins. */
function split(args: readonly string[]): { args: string[] } {
  const withValue = new Set<string>();
  for (const [name, { type }] of Object.entries(options)) {
    if (type === 'string') withValue.add(`--${name}`);
  }
  let i = 0;
  while (i < args.length) {
    const arg = args[i] ?? '';
    if (arg === '--' || !arg.startsWith('-')) break;
    i += withValue.has(arg) ? 2 : 1;
  }
  const program = args.slice(args[i] === '--' ? i + 1 : i);
  return { args: [...args.slice(0, i), '--', ...program] };
}
