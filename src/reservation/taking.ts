import { debug, debugging } from '../base/debug';
import { EADDRINUSE, isSystemError, systemError } from '../base/errors';
import { ephemeralPorts, isExcluded } from './candidates';
import type { Plan } from './plan';
import { closeAll, type Hold } from './strategies/hold';
import { openHold } from './strategies/table';

/** One port on all of its addresses. */
export type HoldList = [Hold, ...Hold[]];

/**
 * How often the kernel may choose. One that is refused is held meanwhile, so that each choice is another
 * one; with a handful of addresses one in ten is refused, and only long lists of excluded ports take more.
 */
const MAX_CHOICES = 100;

/** Whether a candidate could not be bound, and the next one is to be tried. */
function isRefused({ refusals, refused }: Plan, port: number, error: unknown): boolean {
  if (!isSystemError(error, ...refusals)) return false;
  if (debugging) {
    debug('port %d is refused: %s', port, error instanceof Error ? error.message : error);
  }
  refused?.add(port, error);
  return true;
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
export function takePort(plan: Plan, port: number): HoldList | undefined {
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
export function takeAny(plan: Plan): HoldList {
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

/** Runs `take` with a list for it to fill; when that throws, closes what is in it. */
export function allOrNone(take: (taken: HoldList[]) => void): HoldList[] {
  const taken: HoldList[] = [];
  try {
    take(taken);
    return taken;
  } catch (error) {
    taken.forEach(closeAll);
    throw error;
  }
}

/** Takes the ports at all distances from the base, or none: then undefined. */
export function takeGroup(
  plan: Plan,
  base: number,
  distances: readonly number[],
): HoldList[] | undefined {
  const group = allOrNone((taken) => {
    for (const distance of distances) {
      const holds = takePort(plan, base + distance);
      if (holds === undefined) break;
      taken.push(holds);
    }
  });
  if (group.length === distances.length) return group;
  group.forEach(closeAll);
  return undefined;
}
