import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks: the first, the factor, the last. */
const FIRST_PAUSE = 2;
const GROWTH = 1.5;
const LONGEST_PAUSE = 200;

/** Whether somebody accepts connections there. */
function accepts(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (accepted: boolean) => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(accepted);
    };
    const onAbort = () => settle(false);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

/**
 * Resolves with the first of the addresses on which somebody listens; without one, when the signal
 * aborts. Nothing tells when another process listens, so it looks: at once, then after pauses that
 * grow from 2 to 200 ms, which finds a program within half again of the time that it took to start and
 * makes five looks a second at the most. A look can't connect to itself: the reserved port is never
 * chosen as the local port of a connection.
 */
export async function firstListening(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * GROWTH, LONGEST_PAUSE)) {
    const looks = await Promise.all(addresses.map((host) => accepts(host, port, signal)));
    const found = addresses[looks.indexOf(true)];
    if (found !== undefined) return found;
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
