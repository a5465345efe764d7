import { debug, debugging } from '../base/debug';
import { invalidArgType, invalidArgValue, outOfRange } from '../base/errors';
import { hasProcSys } from '../base/platform';
import { port as checkPort, integer } from '../base/validate';
import {
  type PortInterval,
  readEphemeralPorts,
  readReservedPorts,
} from '../inspection/linux/system';

const MAX_PORT = 65535;

/** The lowest port that is chosen where the kernel does not choose (RFC 6335, section 6: User Ports). */
const FIRST_USER_PORT = 1024;

export function isIterable(value: unknown): value is Iterable<unknown> {
  // A string is iterable too: '3000' would be the ports 3, 0, 0 and 0.
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/**
 * The preferred ports, each checked when its turn comes: an iterable may be lazy, even endless. Ending
 * the generator ends the iterable's own iterator.
 */
export function* preferredPorts(port: unknown, exclude: ReadonlySet<number>): Generator<number> {
  if (port === undefined) return;
  if (!isIterable(port)) {
    const only = checkPort('options.port', port);
    if (!isExcluded(only, exclude)) yield only;
    return;
  }
  for (const candidate of port) {
    const next = checkPort('options.port', candidate);
    if (!isExcluded(next, exclude)) yield next;
  }
}

export function checkPreferred(port: unknown): void {
  if (port === undefined || isIterable(port)) return;
  if (typeof port !== 'number') {
    throw invalidArgType('options.port', 'of type number or an iterable of numbers', port);
  }
  checkPort('options.port', port);
}

const NO_PORTS: ReadonlySet<number> = new Set();

export function excludedPorts(exclude: unknown): ReadonlySet<number> {
  if (exclude === undefined) return NO_PORTS;
  if (!isIterable(exclude)) {
    throw invalidArgType('options.exclude', 'an iterable of numbers', exclude);
  }
  const ports = new Set<number>();
  for (const port of exclude) ports.add(integer('options.exclude', port, 1, MAX_PORT));
  return ports;
}

export function isExcluded(port: number, exclude: ReadonlySet<number>): boolean {
  const excluded = exclude.has(port);
  if (debugging && excluded) debug('port %d is refused: excluded', port);
  return excluded;
}

/**
 * The ports from one number to another, both included: for the `port` and `exclude` of `reservePort`.
 * Can be iterated any number of times.
 *
 * @param from the first port, 1 to 65535
 * @param to the last port, `from` to 65535
 * @throws TypeError or RangeError for anything else
 */
export function portRange(from: number, to: number): Iterable<number> {
  integer('from', from, 1, MAX_PORT);
  integer('to', to, 1, MAX_PORT);
  if (from > to) throw outOfRange('to', `>= ${from}, the value of "from"`, to);
  return {
    *[Symbol.iterator]() {
      for (let port = from; port <= to; port++) yield port;
    },
  };
}

/** Every number of an interval once, from a random one on. */
function* fromRandom({ low, high }: PortInterval): Generator<number> {
  const count = high - low + 1;
  const start = Math.floor(Math.random() * count);
  for (let i = 0; i < count; i++) yield low + ((start + i) % count);
}

/** The ports that the kernel chooses from. RFC 6335, section 6, is what macOS, FreeBSD and Windows use. */
export function ephemeralInterval(): PortInterval {
  return (hasProcSys && readEphemeralPorts()) || { low: 49152, high: MAX_PORT };
}

/** Tells the ports that an administrator keeps from the kernel's choice (inet_is_local_reserved_port). */
export function reservedPorts(): (port: number) => boolean {
  const reserved = hasProcSys ? readReservedPorts() : [];
  return (port) => reserved.some(({ low, high }) => low <= port && port <= high);
}

/** The ports that the kernel chooses from, every one once, from a random place on. */
export function* ephemeralPorts(): Generator<number> {
  const isReserved = reservedPorts();
  for (const port of fromRandom(ephemeralInterval())) if (!isReserved(port)) yield port;
}

/** Refuses distances that no ports can have. */
export function checkDistances(distances: readonly unknown[]): readonly number[] {
  // Array.from sees a hole as undefined, which is refused.
  const checked = Array.from(distances, (distance, i) =>
    integer(`distances[${i}]`, distance, 1 - MAX_PORT, MAX_PORT - 1),
  );
  if (new Set(checked).size < checked.length) {
    throw invalidArgValue('distances', 'must hold each distance once', distances);
  }
  if (Math.max(...checked) - Math.min(...checked) >= MAX_PORT) {
    throw invalidArgValue('distances', 'must lie within 65534 of each other', distances);
  }
  return checked;
}

/** The bases from which all distances lead to ports that are not below `lowest`. */
function basesFor(distances: readonly number[], lowest: number): PortInterval {
  return { low: lowest - Math.min(...distances), high: MAX_PORT - Math.max(...distances) };
}

/**
 * The preferred ports as bases. Of a list those are passed over from which a distance leads beyond the ports.
 *
 * @throws RangeError for such a one that was given alone
 */
export function* preferredBases(
  port: unknown,
  distances: readonly number[],
  exclude: ReadonlySet<number>,
): Generator<number> {
  const { low, high } = basesFor(distances, 1);
  if (!isIterable(port) && port !== undefined && port !== 0) {
    integer('options.port', port, low, high);
  }
  for (const base of preferredPorts(port, new Set())) {
    if (base === 0) return;
    if (base < low || base > high) continue;
    if (!distances.some((distance) => isExcluded(base + distance, exclude))) yield base;
  }
}

/**
 * Bases to try when none is preferred, every one once: those among the ports that the kernel chooses from,
 * then all others.
 */
export function* anyBases(
  distances: readonly number[],
  exclude: ReadonlySet<number>,
): Generator<number> {
  const isReserved = reservedPorts();
  const isUsable = (port: number) => !isExcluded(port, exclude) && !isReserved(port);
  const { low, high } = basesFor(distances, FIRST_USER_PORT);
  const ephemeral = ephemeralInterval();
  const likely = { low: Math.max(low, ephemeral.low), high: Math.min(high, ephemeral.high) };
  for (const base of fromRandom(likely)) {
    if (distances.every((distance) => isUsable(base + distance))) yield base;
  }
  for (const base of fromRandom({ low, high })) {
    if (base >= likely.low && base <= likely.high) continue;
    if (distances.every((distance) => isUsable(base + distance))) yield base;
  }
}
