import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { SocketHandle } from '../../src/index';
import { isLinux } from './platform';

/** A client that keeps its end open until the test ends. */
export async function clientOf(port: number, host = '127.0.0.1'): Promise<Socket> {
  const client = connect({ port, host, allowHalfOpen: true });
  onTestFinished(() => {
    client.destroy();
  });
  client.on('error', () => {}).resume();
  await once(client, 'connect');
  return client;
}

/** A server that `serve` has listen, with a connection to it. */
export async function connected(
  serve: (server: Server) => Promise<{ port: number }>,
  host?: string,
) {
  const server = createServer();
  const accepted = once(server, 'connection');
  const { port } = await serve(server);
  const client = await clientOf(port, host);
  const [socket]: Socket[] = await accepted;
  if (socket === undefined) throw new Error('no connection');
  return { server, port, client, socket };
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/**
 * Serves a client and ends, closing the connection first, so that it stays in TIME_WAIT; or in FIN_WAIT2 without
 * an owner, when the client keeps its end open.
 */
export async function leaveRemainder(
  serve: (server: Server) => Promise<{ port: number }>,
  state: 'TIME_WAIT' | 'FIN_WAIT2' = 'TIME_WAIT',
  host?: string,
): Promise<number> {
  const { server, port, client, socket } = await connected(serve, host);
  if (state === 'TIME_WAIT') client.on('end', () => client.end());
  socket.destroy();
  await once(client, state === 'TIME_WAIT' ? 'close' : 'end');
  await closed(server);
  if (isLinux && host === undefined) {
    // So that what is tested can fail: the port is not free for a bind without SO_REUSEADDR.
    using plain = new SocketHandle();
    expect(() => plain.bind('127.0.0.1', port)).toThrow('EADDRINUSE');
  }
  return port;
}
