// Two http servers, one on an adopted socket and one that listens as usual: prints their ports, and serves until its
// standard input ends.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { adopt, bindPort, SocketHandle } from '../../dist/index.js';

// Connections wait for their turn while others are timed.
const create = () => {
  const server = createServer((_, response) => response.end('hello'));
  server.keepAliveTimeout = 600_000;
  return server;
};

const socket = new SocketHandle();
const adopted = bindPort(socket);
await adopt(create(), socket);
const usual = create().listen(0, '127.0.0.1');
await once(usual, 'listening');
console.log(JSON.stringify({ adopt: adopted, 'listen(0)': usual.address().port }));
await once(process.stdin.resume(), 'end');
process.exit();
