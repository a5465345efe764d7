/** The pauses of waits for what no event tells: some ms at first, and in the end five looks a second. */

/** Milliseconds that a wait has by default. */
export const DEFAULT_TIMEOUT = 30_000;

/** Milliseconds. */
export const FIRST_PAUSE = 2;
const GROWTH = 1.5;
const LONGEST_PAUSE = 200;

/** The pause after this one. */
export function longerPause(pause: number): number {
  return Math.min(pause * GROWTH, LONGEST_PAUSE);
}
