import { readFileSync } from 'node:fs';
import { debug, debugging } from '../base/debug';
import { invalidArgType, outOfRange } from '../base/errors';
import { ephemeralRangeFile } from '../base/platform';
import { port as checkPort, integer } from '../base/validate';

const MAX_PORT = 65535;

function isIterable(value: unknown): value is Iterable<unknown> {
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

export function excludedPorts(exclude: unknown): ReadonlySet<number> {
  if (exclude === undefined) return new Set();
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

/** The ports that the kernel chooses from, every one once, from a random place on. */
export function* ephemeralPorts(): Generator<number> {
  const [from, to] = ephemeralRange();
  const count = to - from + 1;
  const start = Math.floor(Math.random() * count);
  for (let i = 0; i < count; i++) yield from + ((start + i) % count);
}

function ephemeralRange(): [number, number] {
  if (ephemeralRangeFile !== undefined) {
    try {
      // Of the network namespace that this process is in.
      const text = readFileSync(ephemeralRangeFile, 'latin1');
      const [from, to] = text.trim().split(/\s+/).map(Number);
      if (from !== undefined && to !== undefined && from <= to) return [from, to];
    } catch {
      // No /proc: the range that is registered for it.
    }
  }
  // RFC 6335, section 6; what macOS, FreeBSD and Windows use.
  return [49152, MAX_PORT];
}
