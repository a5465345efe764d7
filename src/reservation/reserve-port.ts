import { debug, debugging } from '../base/debug';
import {
  EACCES,
  EADDRINUSE,
  invalidArgType,
  invalidArgValue,
  isSystemError,
  systemError,
} from '../base/errors';
import { exclusiveHoldersGiveEacces } from '../base/platform';
import { integer, object } from '../base/validate';
import { makeRoom } from '../socket/descriptor';
import {
  anyBases,
  checkDistances,
  checkPreferred,
  ephemeralPorts,
  excludedPorts,
  isExcluded,
  isIterable,
  preferredBases,
  preferredPorts,
} from './candidates';
import { type ReservedHosts, reservedHosts } from './hosts';
import { PortReservation } from './port-reservation';
import { closeAll, type Hold, type HoldAddress, holdAddress } from './strategies/hold';
import {
  defaultStrategy,
  isStrategy,
  openHold,
  type Strategy,
  strategies,
  tcpStrategies,
  UDP_STRATEGY,
} from './strategies/table';

export interface ReserveOptions {
  /**
   * A numeric address, or `'localhost'`: both loopback addresses, on one number; or several of them.
   * `'::'` takes IPv4 too. Without it the TCP port is kept on every address, a server of this process
   * listens on 127.0.0.1, and a UDP port is on 127.0.0.1.
   */
  host?: string | readonly string[];
  /**
   * The port, or the ports in this order, to take if they are free: 1 to 65535, or 0 for any. An
   * iterable is read as far as needed; those in it that need a privilege are passed over. When none is
   * free, any port is taken.
   */
  port?: number | Iterable<number>;
  /** Ports never to take, 1 to 65535: neither a preferred one nor any other. */
  exclude?: Iterable<number>;
  /** `'tcp'` by default; `'both'` takes both on one number. */
  protocol?: 'tcp' | 'udp' | 'both';
  /** How to keep a TCP port for other programs; what this platform can do by default. */
  strategy?: Strategy;
}

type HoldList = [Hold, ...Hold[]];

/** The options, checked, as what to open. */
interface Plan {
  readonly preferred: unknown;
  readonly strategy: Strategy;
  readonly hosts: ReservedHosts;
  readonly at: readonly [HoldAddress, ...HoldAddress[]];
  readonly exclude: ReadonlySet<number>;
  /** The errors of bind(2) after which the next port is tried. */
  readonly refusals: readonly number[];
}

/**
 * How often the kernel may choose. One that is refused is held meanwhile, so that each choice is another
 * one; with a handful of addresses one in ten is refused, and only long lists of excluded ports take more.
 */
const MAX_CHOICES = 100;

const MAX_COUNT = 65535;

/** From how many ports on room is made for their descriptors at once. */
const MANY = 256;

function plan(options: ReserveOptions): Plan {
  const {
    host,
    port,
    exclude,
    protocol = 'tcp',
    strategy = defaultStrategy,
  } = object('options', options);
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'both') {
    throw invalidArgValue('options.protocol', "must be 'tcp', 'udp' or 'both'", protocol);
  }
  if (!isStrategy(strategy)) {
    throw invalidArgValue('options.strategy', `must be one of ${strategies.join(', ')}`, strategy);
  }
  checkPreferred(port);
  const hosts = reservedHosts(host, tcpStrategies[strategy]);
  const tcp = protocol === 'udp' ? [] : hosts.tcp.map((address) => holdAddress('tcp', address));
  const udp = protocol === 'tcp' ? [] : hosts.udp.map((address) => holdAddress('udp', address));
  const [first, ...others] = [...tcp, ...udp];
  if (first === undefined) throw invalidArgValue('options.host', 'must not be empty', host);
  return {
    preferred: port,
    strategy: protocol === 'udp' ? UDP_STRATEGY : strategy,
    hosts,
    at: [first, ...others],
    exclude: excludedPorts(exclude),
    // Of a list any will do: those that need a privilege are passed over. A port that was asked for alone is not.
    refusals: exclusiveHoldersGiveEacces || isIterable(port) ? [EADDRINUSE, EACCES] : [EADDRINUSE],
  };
}

/** Whether a candidate could not be bound, and the next one is to be tried. */
function isRefused({ refusals }: Plan, port: number, error: unknown): boolean {
  const refused = isSystemError(error, ...refusals);
  if (debugging && refused) {
    debug('port %d is refused: %s', port, error instanceof Error ? error.message : error);
  }
  return refused;
}

/** Holds the port that the first hold has on all addresses, or on none: then undefined. */
function complete(plan: Plan, first: Hold): HoldList | undefined {
  if (plan.at.length === 1) return [first];
  const {
    strategy,
    at: [, ...others],
  } = plan;
  const holds: HoldList = [first];
  try {
    for (const at of others) holds.push(openHold(strategy, at, first.port));
    return holds;
  } catch (error) {
    const [, ...opened] = holds;
    closeAll(opened);
    if (isRefused(plan, first.port, error)) return undefined;
    first.close();
    throw error;
  }
}

/** Takes this very port, or returns undefined when somebody else has it. */
function takePort(plan: Plan, port: number): HoldList | undefined {
  let first: Hold;
  try {
    first = openHold(plan.strategy, plan.at[0], port);
  } catch (error) {
    if (isRefused(plan, port, error)) return undefined;
    throw error;
  }
  const holds = complete(plan, first);
  if (holds === undefined) first.close();
  return holds;
}

/** Takes a port of the kernel's choice. */
function takeAny(plan: Plan): HoldList {
  const refused: Hold[] = [];
  try {
    for (let i = 0; i < MAX_CHOICES; i++) {
      const first = openHold(plan.strategy, plan.at[0], 0);
      const holds = isExcluded(first.port, plan.exclude) ? undefined : complete(plan, first);
      if (holds) return holds;
      refused.push(first);
    }
  } finally {
    closeAll(refused);
  }
  // Nearly all are excluded: look at the others one by one.
  for (const port of ephemeralPorts()) {
    const holds = isExcluded(port, plan.exclude) ? undefined : takePort(plan, port);
    if (holds) return holds;
  }
  throw systemError(EADDRINUSE, 'bind', {
    address: plan.at[0].address,
    explanation: 'every port that the kernel chooses from is excluded or taken',
  });
}

function reserve(
  count: number,
  options: ReserveOptions,
  entryPoint: CallableFunction,
): PortReservation[] {
  const checked = plan(options);
  const { preferred, strategy, hosts, exclude, at } = checked;
  const taken: HoldList[] = [];
  try {
    if (count > 0 && preferred !== undefined) {
      for (const port of preferredPorts(preferred, exclude)) {
        const holds = port === 0 ? takeAny(checked) : takePort(checked, port);
        if (holds && taken.push(holds) === count) break;
      }
    }
    while (taken.length < count) {
      taken.push(takeAny(checked));
      const guard = taken[0]?.[0].guard;
      if (taken.length === 1 && count >= MANY && guard) makeRoom(guard.fd, count * at.length);
    }
  } catch (error) {
    taken.forEach(closeAll);
    throw error;
  }
  return taken.map((holds) => new PortReservation({ hosts, strategy, holds, entryPoint }));
}

/** Takes the ports at all distances from the base, or none: then undefined. */
function takeGroup(plan: Plan, base: number, distances: readonly number[]): HoldList[] | undefined {
  const taken: HoldList[] = [];
  try {
    for (const distance of distances) {
      const holds = takePort(plan, base + distance);
      if (holds === undefined) break;
      taken.push(holds);
    }
  } catch (error) {
    taken.forEach(closeAll);
    throw error;
  }
  if (taken.length === distances.length) return taken;
  taken.forEach(closeAll);
  return undefined;
}

function reserveGroup(
  distances: readonly number[],
  options: ReserveOptions,
  entryPoint: CallableFunction,
): PortReservation[] {
  const checked = plan(options);
  const { preferred, strategy, hosts, exclude, at } = checked;
  const reservations = (taken: readonly HoldList[]) =>
    taken.map((holds) => new PortReservation({ hosts, strategy, holds, entryPoint }));
  for (const base of preferredBases(preferred, distances, exclude)) {
    const taken = takeGroup(checked, base, distances);
    if (taken) return reservations(taken);
  }
  // Nobody asked for these: one that needs a privilege is passed over.
  const ofOurChoice = { ...checked, refusals: [EADDRINUSE, EACCES] };
  for (const base of anyBases(distances, exclude)) {
    const taken = takeGroup(ofOurChoice, base, distances);
    if (taken) return reservations(taken);
  }
  throw systemError(EADDRINUSE, 'bind', {
    address: at[0].address,
    explanation: `no ports at the distances ${distances.join(', ')} are free`,
  });
}

/**
 * Reserves a port until you release it: while it waits, while servers of this process come and go, and while
 * a program that you share it with starts, crashes and starts again. Needs nothing but the kernel, so it holds
 * between threads, processes and users.
 *
 * On Linux nobody else can bind the port, nor is given it; but while it is shared and nobody listens a program
 * can that binds this very number with SO_REUSEADDR (`ready` tells). On macOS and FreeBSD it can before, too,
 * and on Windows anybody can take a port that is shared. docs/reservations.md has the table.
 *
 * @param options which port, where, for what: see `ReserveOptions`. Never changed, nothing coerced.
 * @returns the reservation; release it (`release`, or declare it with `using`)
 * @throws TypeError or RangeError for wrong options
 * @throws SystemError with `syscall: 'bind'`: EADDRINUSE when no port is left, EADDRNOTAVAIL for a
 *   host that is not this machine's, EACCES for a preferred port that needs a privilege (below 1024,
 *   on most systems) and was given alone, not in a list; EMFILE from `'socket'`
 */
export function reservePort(options: ReserveOptions = {}): PortReservation {
  const [reservation] = reserve(1, options, reservePort);
  if (reservation === undefined) throw new Error('nothing was reserved');
  return reservation;
}

/**
 * Reserves several ports at once: all of them, or none when it throws.
 *
 * @param count how many, 0 to 65535; or the distances that the ports must have from a base, each -65534 to
 *   65534 and once: `[0, 10000]` for a port and the one 10,000 above it
 * @param options as for `reservePort`; a list of preferred ports is used up one by one. With distances each
 *   preferred port is a base, tried with all of its distances; those in a list from which one leads beyond
 *   1 to 65535 are passed over.
 * @returns the reservations, in the order of the ports that were preferred, or of the distances
 * @throws as `reservePort`; RangeError for a preferred base, given alone, that is too high or too low
 */
export function reservePorts(
  count: number | readonly number[],
  options: ReserveOptions = {},
): PortReservation[] {
  if (!Array.isArray(count)) {
    if (typeof count !== 'number') {
      throw invalidArgType('count', 'of type number or an array of distances', count);
    }
    return reserve(integer('count', count, 0, MAX_COUNT), options, reservePorts);
  }
  const distances = checkDistances(count);
  if (distances.length === 0) return reserve(0, options, reservePorts);
  return reserveGroup(distances, options, reservePorts);
}
