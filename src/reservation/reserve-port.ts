import { callSite } from '../base/call-site';
import { EACCES, EADDRINUSE, invalidArgType, systemError } from '../base/errors';
import { integer, object } from '../base/validate';
import { makeRoom } from '../socket/descriptor';
import { anyBases, checkDistances, preferredBases, preferredPorts } from './candidates';
import { checkWait, noneIsFree, takeExactly, takeWhenFree, type WhenFreeOptions } from './exact';
import { type Plan, planOf, type ReserveOptions } from './plan';
import { PortReservation } from './port-reservation';
import { RefusedPorts } from './refused-ports';
import { allOrNone, type HoldList, takeAny, takeGroup, takePort } from './taking';

const MAX_COUNT = 65535;

/** From how many ports on room is made for their descriptors at once. */
const MANY = 256;

/** @param entryPoint the public function that was called: a forgotten reservation's warning names its caller */
function reservations(
  { hosts, strategy }: Plan,
  taken: readonly HoldList[],
  entryPoint: CallableFunction,
): PortReservation[] {
  const reservedAt = callSite(entryPoint);
  return taken.map((holds) => new PortReservation({ hosts, strategy, holds, reservedAt }));
}

function reserve(
  count: number,
  options: ReserveOptions,
  entryPoint: CallableFunction,
): PortReservation[] {
  const plan = planOf(options);
  const taken = plan.strict ? takeExactly(plan, count) : takePreferably(plan, count);
  return reservations(plan, taken, entryPoint);
}

/** Takes preferred ports, and where they do not suffice any. */
function takePreferably(plan: Plan, count: number): HoldList[] {
  return allOrNone((taken) => {
    if (count > 0 && plan.preferred !== undefined) {
      for (const port of preferredPorts(plan.preferred, plan.exclude)) {
        const holds = port === 0 ? takeAny(plan) : takePort(plan, port);
        if (holds && taken.push(holds) === count) break;
      }
    }
    while (taken.length < count) {
      taken.push(takeAny(plan));
      const guard = taken[0]?.[0].guard;
      if (taken.length === 1 && count >= MANY && guard) makeRoom(guard.fd, count * plan.at.length);
    }
  });
}

function reserveGroup(
  distances: readonly number[],
  options: ReserveOptions,
  entryPoint: CallableFunction,
): PortReservation[] {
  const plan = planOf(options);
  const { preferred, strict, exclude, at } = plan;
  const refused = new RefusedPorts(at);
  for (const base of preferredBases(preferred, distances, exclude)) {
    const taken = takeGroup({ ...plan, refused }, base, distances);
    if (taken) return reservations(plan, taken, entryPoint);
  }
  if (strict && preferred !== 0) throw noneIsFree(plan, refused);
  // Nobody asked for these: one that needs a privilege is passed over.
  const ofOurChoice = { ...plan, refusals: [EADDRINUSE, EACCES] };
  for (const base of anyBases(distances, exclude)) {
    const taken = takeGroup(ofOurChoice, base, distances);
    if (taken) return reservations(plan, taken, entryPoint);
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
 * @throws PortTakenError with `strict`, when somebody has each of the ports: EADDRINUSE that names them
 * @throws SystemError with `syscall: 'bind'`: EADDRINUSE when no port is left, EADDRNOTAVAIL for a
 *   host that is not this machine's, EACCES for a preferred port that needs a privilege (below 1024,
 *   on most systems) and was given alone, not in a list, or with `strict` for a list of such; EMFILE from
 *   `'socket'`
 */
export function reservePort(options: ReserveOptions = {}): PortReservation {
  const [reservation] = reserve(1, options, reservePort);
  if (reservation === undefined) throw new Error('nothing was reserved');
  return reservation;
}

/**
 * Reserves a port, or the first of a list that is free, as soon as whoever has it gives it up. As
 * `reservePort` with `strict`, but for the wait: no port is taken that was not asked for.
 *
 * No event tells that a port is free, so this looks at once, and then after pauses that grow from 2 to 200 ms. Nobody
 * is disturbed: while somebody is seen who listens on the port or has bound it, nothing is bound. The bind that
 * succeeds is the reservation's own, so that nobody can get in between; but nobody is kept from being faster, and
 * of several that wait any may be the first.
 *
 * @param options which port, where, for what: see `ReserveOptions`; `port` is needed
 * @param options.wait how long, 0 to 2^31 - 1 ms; 30,000 by default
 * @param options.signal ends the wait: rejects with its reason
 * @returns the reservation; release it
 * @throws (rejects) TypeError or RangeError for wrong options; PortTakenError when the time is over, which names
 *   those who have the port then; at once SystemError as `reservePort`, EACCES when each of the ports
 *   needs a privilege
 */
export async function reservePortWhenFree(options: WhenFreeOptions): Promise<PortReservation> {
  const wait = checkWait(object('options', options));
  const plan = planOf(options, true);
  // Later the stack does not tell who has called.
  const reservedAt = callSite(reservePortWhenFree);
  const { hosts, strategy } = plan;
  const holds = await takeWhenFree(plan, wait);
  return new PortReservation({ hosts, strategy, holds, reservedAt });
}

/**
 * Reserves several ports at once: all of them, or none when it throws.
 *
 * @param count how many, 0 to 65535; or the distances that the ports must have from a base, each -65534 to
 *   65534 and once: `[0, 10000]` for a port and the one 10,000 above it
 * @param options as for `reservePort`; a list of preferred ports is used up one by one. With distances each
 *   preferred port is a base, tried with all of its distances; those in a list from which one leads beyond
 *   1 to 65535 are passed over. With `strict` nothing else is taken.
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
