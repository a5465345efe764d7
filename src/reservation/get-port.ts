/**
 * `import getPort, { portNumbers, clearLockedPorts } from 'bindport/get-port'`, and the same for `require`; `getPort`
 * is the default export.
 *
 * @module bindport/get-port
 */
import { lookup } from 'node:dns/promises';
import type { ListenOptions } from 'node:net';
import { ipVersion } from '../base/addresses';
import { EACCES, EADDRINUSE, invalidArgType, isSystemError, systemError } from '../base/errors';
import { port as checkPort, integer, object, text } from '../base/validate';
import { isIterable, portRange } from './candidates';
import type { PortReservation } from './port-reservation';
import { reservePort } from './reserve-port';

/** As get-port 7 takes them. */
export type Options = {
  /**
   * The port, or the ports in this order, to take if they are free, 1 to 65535. When none is free, any port
   * is taken. 0, NaN and undefined: any.
   */
  readonly port?: number | Iterable<number>;
  /** Ports never to take, neither a preferred one nor any other. With 0 in it, no other is taken. */
  readonly exclude?: Iterable<number>;
  /** Accepted and without effect: every port is reserved until the process ends. */
  readonly reserve?: boolean;
  /**
   * Where the port has to be free, and is kept: an address, or a name that is looked up. Without it, on
   * every address of the machine.
   */
  readonly host?: string;
} & Omit<ListenOptions, 'port'>;

/** The lowest port without a privilege on most systems; get-port's ranges begin there. */
const MIN_PORT = 1024;
const MAX_PORT = 65535;

/** What was given out: a reference here keeps a reservation from being collected, and so released. */
const given = new Map<number, PortReservation>();

/**
 * Gets a free TCP port, as get-port 7 does, and reserves it until the process (or the worker thread) ends:
 * a shared reservation, so that this process or any program that sets SO_REUSEADDR can listen on it by its
 * number, again and again. docs/migrating.md says what is guaranteed. Takes one or two descriptors.
 *
 * @param options which port and where; never changed
 * @returns the port; never one that was returned before, until `clearLockedPorts`
 * @throws (rejects) TypeError or RangeError for wrong options; SystemError EADDRINUSE when no port is left,
 *   EADDRNOTAVAIL for a host that is not this machine's, ENOTFOUND for a name that is none, EMFILE
 */
export async function getPort(options?: Options): Promise<number> {
  const { port, exclude, host } = object('options', options ?? {});
  const excluded = excludedPorts(exclude);
  const where = host ? { host: await numericHost(host) } : {};
  const ports = preferredPorts(port || undefined, excluded.has(0));
  try {
    const reservation = reserveNext(ports, where, [...excluded, ...given.keys()].filter(isPort));
    given.set(reservation.port, reservation);
    return reservation.share();
  } finally {
    ports.return();
  }
}

/** Here a port that needs a privilege (EACCES) is as good as taken: on to the next. */
function reserveNext(
  ports: Generator<number, void>,
  where: { host?: string },
  exclude: readonly number[],
): PortReservation {
  let onlyOthersAreLeft = false;
  // It has no `return`, so that the next round goes on where the one before has failed.
  const rest: Iterator<number> = {
    next() {
      const step = ports.next();
      onlyOthersAreLeft = step.done === true;
      return step;
    },
  };
  for (;;) {
    try {
      return reservePort({ ...where, exclude, port: { [Symbol.iterator]: () => rest } });
    } catch (error) {
      if (onlyOthersAreLeft || !isSystemError(error, EACCES)) throw error;
    }
  }
}

function* preferredPorts(port: unknown, noOther: boolean): Generator<number, void> {
  if (isIterable(port)) {
    for (const candidate of port) yield checkPort('options.port', candidate);
  } else if (port !== undefined) {
    yield checkPort('options.port', port);
  }
  if (noOther) {
    throw systemError(EADDRINUSE, 'bind', {
      explanation: 'no available ports found, and no other is wanted, because 0 is excluded',
    });
  }
}

/** Unlike `reservePort` get-port takes numbers that are no ports, and ignores them. */
function excludedPorts(exclude: unknown): ReadonlySet<number> {
  if (!exclude) return new Set();
  if (!isIterable(exclude)) throw invalidArgType('options.exclude', 'an iterable', exclude);
  const ports = new Set<number>();
  for (const port of exclude) {
    if (typeof port !== 'number' || !Number.isSafeInteger(port)) {
      throw invalidArgType('options.exclude', 'an iterable of integers', port);
    }
    ports.add(port);
  }
  return ports;
}

function isPort(number: number): boolean {
  return number >= 1 && number <= MAX_PORT;
}

/** As `server.listen` looks a name up; but of localhost both addresses are kept. */
async function numericHost(host: unknown): Promise<string> {
  const name = text('options.host', host);
  if (name === 'localhost' || ipVersion(name) !== 0) return name;
  const { address } = await lookup(name);
  return address;
}

/**
 * The ports from one number to another, both included, as get-port 7 has it. Can be iterated any number of
 * times, which get-port's can't.
 *
 * @param from the first port, 1024 to 65535
 * @param to the last port, `from` to 65535
 * @throws TypeError for what is no integer, RangeError for what is out of range
 */
export function portNumbers(from: number, to: number): Iterable<number> {
  if (!Number.isInteger(from)) throw invalidArgType('from', 'an integer', from);
  if (!Number.isInteger(to)) throw invalidArgType('to', 'an integer', to);
  integer('from', from, MIN_PORT, MAX_PORT);
  integer('to', to, MIN_PORT, MAX_PORT);
  return portRange(from, to);
}

/** Releases every port that `getPort` has returned. Servers that listen go on. */
export function clearLockedPorts(): void {
  const reservations = [...given.values()];
  given.clear();
  for (const reservation of reservations) reservation.release();
}
