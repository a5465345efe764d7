import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks: the first, the factor, the last. */
const FIRST_PAUSE = 2;
const GROWTH = 1.5;
const LONGEST_PAUSE = 200;

/** How long a connection that only looked may stay open, in milliseconds. */
const LINGERING = 1000;

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

/**
 * Whether somebody accepts connections there. Says nothing, hears the other side out and then closes: a
 * server that has written to a closed connection gets an error, and may not survive it.
 */
export function acceptsConnections(
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    // A server whose queue is full answers nothing: the wait must end all the same.
    const abandon = () => socket.destroy();
    signal.addEventListener('abort', abandon, { once: true });
    const settle = (found: boolean) => {
      signal.removeEventListener('abort', abandon);
      resolve(found);
    };
    socket.once('connect', () => {
      // The kernel gave our end the very port that nobody listens on, and TCP connected it to itself.
      if (socket.localPort === port) {
        socket.resetAndDestroy();
        return;
      }
      settle(true);
      socket.unref().resume().end();
      socket.setTimeout(LINGERING, () => socket.destroy());
    });
    socket.on('error', () => {}).once('close', () => settle(false));
  });
}
