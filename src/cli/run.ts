import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import type { PortReservation } from '../reservation/port-reservation';
import { reservePort } from '../reservation/reserve-port';
import { type Command, printHelp, UsageError, wholeNumber } from './command';

/** Those that ask a program to do something, and that a program can get. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'] as const;

/** Those that a terminal sends to the program itself, which is in the same process group. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;

/** What a shell says of a command that it can't find, and of one that it may not run. */
const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;

/** A shell's status for a program that a signal has ended is 128 and the signal's number. */
const BY_SIGNAL = 128;

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function forwardSignals(child: ChildProcess): () => void {
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  // Twice Ctrl+C makes many programs give up at once.
  const leave = () => {};
  for (const signal of FORWARDED) process.on(signal, forward);
  for (const signal of FROM_TERMINAL) process.on(signal, atTerminal ? leave : forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
    for (const signal of FROM_TERMINAL) process.off(signal, atTerminal ? leave : forward);
  };
}

/** The program's exit status, as a shell would tell it. */
function statusOf(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) =>
      resolve(signal === null ? (code ?? 1) : BY_SIGNAL + constants.signals[signal]),
    );
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      process.stderr.write(`bindport: ${command}: ${error.message}\n`);
      resolve(isCode(error, 'ENOENT') ? NOT_FOUND : NOT_RUNNABLE);
    });
  });
}

async function serve(
  reservation: PortReservation,
  command: string,
  args: readonly string[],
  activate: boolean,
): Promise<number> {
  const child = reservation.spawn(command, args, {
    stdio: 'inherit',
    pass: activate ? 'systemd' : 'port',
  });
  const stop = forwardSignals(child);
  try {
    return await statusOf(child, command);
  } finally {
    stop();
  }
}

export const run: Command = {
  help: `Usage: bindport run [--host H]... [--port P]... [--udp] [--activate] [--] COMMAND [ARGUMENT]...

Reserves a port, puts it in the place of {port} in the arguments and in the variable PORT, and runs
the program. Nobody else gets the port until the program ends, even while it crashes and starts again.
Forwards signals (but Ctrl+C and Ctrl+\\, which a terminal sends to the program too), and exits with
the program's status: 128 + N when signal N ended it, 127 when it was not found, 126 when it could not
be run.

      --host H      keep the port on this address: a numeric address or 'localhost'; can be given
                    several times; without it, on every address
      --port P      take this port if it is free; can be given several times
      --udp         a UDP port; needs --activate
      --activate    pass the socket itself as descriptor 3, as systemd's socket activation does
                    (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES): for programs that take one, and for
                    those that do not set SO_REUSEADDR
  -h, --help        print this

  bindport run -- redis-server --port {port}
  bindport run -- vitest
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      ...split(args),
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        host: { type: 'string', multiple: true },
        port: { type: 'string', multiple: true, default: [] },
        udp: { type: 'boolean', default: false },
        activate: { type: 'boolean', default: false },
      },
    });
    if (values.help) return printHelp(run);
    const [command, ...rest] = positionals;
    if (command === undefined) throw new UsageError('which program is to run?');
    if (values.udp && !values.activate) {
      throw new UsageError('--udp needs --activate: a UDP port can only be handed over');
    }
    const reservation = reservePort({
      protocol: values.udp ? 'udp' : 'tcp',
      port: values.port.map((port) => wholeNumber('--port', port, 0, 65535)),
      ...(values.host && { host: values.host }),
    });
    try {
      return await serve(reservation, command, rest, values.activate);
    } finally {
      reservation.release();
    }
  },
};

/** The options of the program are its own: ours end where it begins. */
function split(args: readonly string[]): { args: string[] } {
  const withValue = new Set(['--host', '--port']);
  let i = 0;
  while (i < args.length) {
    const arg = args[i] ?? '';
    if (arg === '--' || !arg.startsWith('-')) break;
    i += withValue.has(arg) ? 2 : 1;
  }
  const program = args.slice(args[i] === '--' ? i + 1 : i);
  return { args: [...args.slice(0, i), '--', ...program] };
}
