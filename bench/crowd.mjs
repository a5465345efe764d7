// Ten thousand sockets that fill the machine's tables, and some to be asked about.
import { SocketHandle } from '../dist/index.js';

const SOCKETS = 10_000;

/** The ports, and a way to close all. A connection is two sockets; a listener's queue holds none of them. */
export function openCrowd() {
  const held = [];
  const open = (listens) => {
    const socket = new SocketHandle();
    held.push(socket);
    socket.bind();
    if (listens) socket.listen();
    return socket;
  };
  const unused = open(false);
  const crowded = open(true);
  const ports = {
    'a free port': unused.address().port,
    'a listener': open(true).address().port,
    'a bound socket': open(false).address().port,
    'thousands of connections': crowded.address().port,
  };
  unused.close();
  const { port } = crowded.address();
  while (held.length < SOCKETS) {
    const client = new SocketHandle();
    held.push(client);
    client.connect('127.0.0.1', port);
    held.push(crowded.accept());
  }
  const close = () => {
    for (const socket of held) socket.close();
  };
  return { ports, close };
}
