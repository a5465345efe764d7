import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { onTestFinished } from 'vitest';

/** Has the server listen on 127.0.0.1, on a port that the kernel chooses; it is closed with the test. */
export async function listening<S extends Server>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  await once(server, 'listening');
  return server;
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A server that says this to each client and hangs up; it is closed with the test. */
export function serverSaying(words: string): Server {
  const server = createServer((client) => client.end(words));
  onTestFinished(() => {
    server.close();
  });
  return server;
}
