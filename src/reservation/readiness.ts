import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks: the first, the factor, the last. */
const FIRST_PAUSE = 2;
const GROWTH = 1.5;
const LONGEST_PAUSE = 200;

/** A place to look, and how. */
export interface Lookout {
  readonly address: string;
  someoneListens(signal: AbortSignal): boolean | Promise<boolean>;
}

/**
 * Resolves with the first of the addresses on which somebody listens; without one, when the signal
 * aborts. Nothing tells when another process listens, so it looks: at once, then after pauses that
 * grow from 2 to 200 ms, which finds a program within half again of the time that it took to start and
 * makes five looks a second at the most.
 *
 * @param whyNobody the error to throw when a look finds nobody and nobody is going to come
 */
export async function firstListening(
  lookouts: readonly Lookout[],
  signal: AbortSignal,
  whyNobody: () => Error | undefined,
): Promise<string | undefined> {
  for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * GROWTH, LONGEST_PAUSE)) {
    // Before the look: a program that ends may have left one behind that listens by then.
    const reason = whyNobody();
    for (const lookout of lookouts) {
      const found = await lookout.someoneListens(signal);
      if (signal.aborted) return undefined;
      if (found) return lookout.address;
    }
    if (reason) throw reason;
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
