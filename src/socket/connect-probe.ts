import { node } from '../base/node-modules';

/** How long the connection may stay open when the other side does not close it, in milliseconds. */
const PROBE_LIFETIME = 1000;

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
    const socket = node.net.connect({ host, port });
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
      socket.setTimeout(PROBE_LIFETIME, () => socket.destroy());
    });
    socket.on('error', () => {}).once('close', () => settle(false));
  });
}
