import { parseArgs } from 'node:util';
import { EACCES, EADDRINUSE, isSystemError } from '../base/errors';
import { withoutHidden } from '../base/visible';
import type { ReserveOptions } from '../reservation/plan';
import type { PortReservation } from '../reservation/port-reservation';
import { reservePort, reservePorts } from '../reservation/reserve-port';
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

const MAX_PORTS = 10_000;

const options = {
  number: {
    type: 'string',
    short: 'n',
    value: 'N',
    about: `how many of any number, 1 to ${MAX_PORTS}; 1 without it`,
  },
  host: {
    type: 'string',
    multiple: true,
    value: 'H',
    offers: HOSTS,
    about:
      "free on this address: a numeric address or 'localhost'; can be given several times; without it, on every address",
  },
  udp: { type: 'boolean', default: false, about: 'UDP ports instead of TCP ports' },
  json: { type: 'boolean', default: false, about: 'print an array' },
  help: HELP,
} as const satisfies Options;

/** A port, or ports of which one is wanted, as it was given. */
interface Wanted {
  readonly given: string;
  readonly ports: readonly number[];
  reservation?: PortReservation;
}

/**
 * Reserves a port for each, and all of them until the last was tried, so that they are different.
 *
 * @returns why those could not be had that are without a reservation
 */
function reserveEach(all: readonly Wanted[], common: ReserveOptions): Error[] {
  const failures: Error[] = [];
  /** Those that no other may have. */
  const claimed = new Set<number>();
  // A range has others to choose from.
  for (const wanted of all.toSorted((a, b) => a.ports.length - b.ports.length)) {
    const port = wanted.ports.filter((one) => !claimed.has(one));
    const [only] = port;
    if (only === undefined) {
      throw new UsageError(`'${wanted.given}' has no port that was not asked for before`);
    }
    if (port.length === 1) claimed.add(only);
    try {
      wanted.reservation = reservePort({
        ...common,
        // A privileged port that is given alone is an error, in a range it is passed over.
        port: wanted.ports.length === 1 ? only : port,
        strict: true,
      });
      claimed.add(wanted.reservation.port);
    } catch (error) {
      if (!(error instanceof Error && isSystemError(error, EADDRINUSE, EACCES))) throw error;
      failures.push(error);
    }
  }
  return failures;
}

/** Those that were asked for; undefined when one is not free, which is told. */
function exactPorts(given: readonly string[], common: ReserveOptions): number[] | undefined {
  const all = given.map((text): Wanted => ({ given: text, ports: portsIn('PORT', text, 1) }));
  try {
    const failures = reserveEach(all, common);
    for (const { message } of failures) {
      process.stderr.write(`bindport find: ${withoutHidden(message)}\n`);
    }
    if (failures.length > 0) return undefined;
    return all.flatMap(({ reservation }) => reservation?.port ?? []);
  } finally {
    for (const { reservation } of all) reservation?.release();
  }
}

function anyPorts(count: number, common: ReserveOptions): number[] {
  const reservations = reservePorts(count, common);
  const ports = reservations.map(({ port }) => port);
  for (const reservation of reservations) reservation.release();
  return ports;
}

export const find: Command = {
  options,
  help: () => `Usage: bindport find [-n N] [--host H]... [--udp] [--json]
       bindport find [--host H]... [--udp] [--json] PORT | P-Q ...

Prints ports that nobody uses, one a line, all different: any, or those that are given, and of each
range P-Q the first that is free. Whoever has one of them is named. They are likely to stay free, not
certain to: 'bindport run' keeps a port from all but those who bind its very number, as long as it runs.

${optionsHelp(options)}
  bindport find 3000 8000-8099

Exit status: 0, 1 when one of the ports is not free or can't be had, 2 bad use.
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options,
    });
    if (values.help) return printHelp(find);
    const common: ReserveOptions = {
      protocol: values.udp ? 'udp' : 'tcp',
      ...hostsIn(values.host),
    };
    if (positionals.length > 0 && values.number !== undefined) {
      throw new UsageError(
        `--number is for any ports, and ${positionals.join(' ')} are certain ones`,
      );
    }
    const ports =
      positionals.length > 0
        ? exactPorts(positionals, common)
        : anyPorts(wholeNumber('--number', values.number ?? '1', 1, MAX_PORTS), common);
    if (ports === undefined) return 1;
    process.stdout.write(`${values.json ? JSON.stringify(ports) : ports.join('\n')}\n`);
    return 0;
  },
};
