/** Taking the ports that were asked for and no other, at once or as soon as one of them is free. */
import { setTimeout as sleep } from 'node:timers/promises';
import { debug, debugging } from '../base/debug';
import { invalidArgValue } from '../base/errors';
import { abortSignal, integer, MAX_TIMEOUT } from '../base/validate';
import { heldPorts } from '../inspection/port-holders';
import { preferredPorts } from './candidates';
import { DEFAULT_TIMEOUT, FIRST_PAUSE, longerPause } from './pauses';
import type { Plan, ReserveOptions } from './plan';
import { RefusedPorts } from './refused-ports';
import { allOrNone, type HoldList, takeAny, takePort } from './taking';

export interface WhenFreeOptions extends Omit<ReserveOptions, 'strict'> {
  /** The port, or the ports of which the first that is free is taken: 1 to 65535, or 0 for any. */
  port: number | Iterable<number>;
  /** How long to wait, 0 to 2^31 - 1 milliseconds; 30,000 by default. With 0 they are tried once. */
  wait?: number;
  /** Ends the wait. */
  signal?: AbortSignal;
}

/** Those of the ports that are free, taken one by one; the others are added to `refused`. */
function* freeOnes(
  plan: Plan,
  ports: Iterable<number>,
  refused: RefusedPorts,
): Generator<HoldList, void> {
  const telling = { ...plan, refused };
  const seen = new Set<number>();
  for (const port of ports) {
    if (seen.has(port)) continue;
    seen.add(port);
    const holds = port === 0 ? takeAny(plan) : takePort(telling, port);
    if (holds) yield holds;
  }
}

/**
 * Why the ports that were asked for do not suffice.
 *
 * @param missing how many more were wanted
 */
export function noneIsFree({ preferred }: Plan, refused: RefusedPorts, missing = 1): unknown {
  if (refused.size >= missing) return refused.error();
  const rule = 'must hold as many ports as are wanted, those of options.exclude not counted';
  return invalidArgValue('options.port', rule, preferred);
}

/** @throws what `noneIsFree` tells */
export function takeExactly(plan: Plan, count: number): HoldList[] {
  const refused = new RefusedPorts(plan.at);
  return allOrNone((taken) => {
    if (count === 0) return;
    const ports = preferredPorts(plan.preferred, plan.exclude);
    for (const holds of freeOnes(plan, ports, refused)) {
      if (taken.push(holds) === count) return;
    }
    throw noneIsFree(plan, refused, count - taken.length);
  });
}

function takeFirst(plan: Plan, ports: Iterable<number>, refused: RefusedPorts) {
  for (const holds of freeOnes(plan, ports, refused)) return holds;
  return undefined;
}

/** The options of the wait, checked. */
export function checkWait({ wait = DEFAULT_TIMEOUT, signal }: WhenFreeOptions) {
  integer('options.wait', wait, 0, MAX_TIMEOUT);
  abortSignal('options.signal', signal);
  return { wait, signal };
}

/**
 * Takes the first of the ports that is free. No event tells that a port is given up, so it looks: at once, then
 * after pauses that grow from 2 to 200 ms. While somebody is seen who has the port, that is all it does: a bind to
 * the first of several addresses would be in the way of a program that is about to have both. The bind that finds
 * the port free keeps it.
 *
 * @throws (rejects) the signal's reason, and what `noneIsFree` tells
 */
export async function takeWhenFree(
  plan: Plan,
  { wait, signal }: ReturnType<typeof checkWait>,
): Promise<HoldList> {
  const end = performance.now() + wait;
  const refused = new RefusedPorts(plan.at);
  signal?.throwIfAborted();
  let holds = takeFirst(plan, preferredPorts(plan.preferred, plan.exclude), refused);
  for (let pause = FIRST_PAUSE; holds === undefined; pause = longerPause(pause)) {
    const { taken } = refused;
    const left = end - performance.now();
    if (taken.length === 0 || left <= 0) throw noneIsFree(plan, refused);
    if (debugging) debug('waiting for one of the ports %s', taken.join(' '));
    await sleep(Math.min(pause, left), undefined, { signal }).catch(() => {});
    signal?.throwIfAborted();
    const isLast = performance.now() >= end;
    const held = isLast ? new Set() : heldPorts(plan.at, taken);
    const ports = taken.filter((port) => !held.has(port));
    holds = takeFirst(plan, ports, refused);
  }
  return holds;
}
