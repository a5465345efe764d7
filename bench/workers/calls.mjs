// The ways of this package and of others to do each work, for bench/run.mjs, on the Node that runs it. First prints
// its ways as JSON, then answers lines "WORK/WAY TIMES" with the nanoseconds that so many took.
// Arguments: the bare addon, and a folder whose node_modules has the other packages.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import * as net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  adopt,
  bindPort,
  constants,
  findSockets,
  findUnusedPort,
  getOption,
  getsockopt,
  inspectSocket,
  reservePort,
  SocketHandle,
} from '../../dist/index.js';

const [floorPath, rivalsFolder] = process.argv.slice(2);
const require = createRequire(join(rivalsFolder, 'package.json'));

const { SOL_SOCKET, SO_REUSEADDR, IPPROTO_IP, IP_OPTIONS } = constants;
const localhost = '127.0.0.1';

const now = () => process.hrtime.bigint();

/** The time of a synchronous call. */
const loop = (call) => (times) => {
  const start = now();
  for (let i = 0; i < times; i++) call();
  return now() - start;
};

/** The time of a call that returns a promise. */
const awaited = (call) => async (times) => {
  const start = now();
  for (let i = 0; i < times; i++) await call();
  return now() - start;
};

/** Of what needs something that is made before, and undone after, out of the time. */
const between =
  ({ before, call, after }) =>
  async (times) => {
    let took = 0n;
    for (let i = 0; i < times; i++) {
      const made = await before();
      const start = now();
      await call(made);
      took += now() - start;
      await after(made);
    }
    return took;
  };

/** Each on a socket of its own. */
const timeBindPort = (times) => {
  const sockets = Array.from({ length: times }, () => new SocketHandle());
  const start = now();
  for (const socket of sockets) bindPort(socket);
  const took = now() - start;
  for (const socket of sockets) socket.close();
  return took;
};

const listener = new SocketHandle();
listener.bind();
listener.listen();
listener.setOption('IP_OPTIONS', new Uint8Array([1, 1, 1, 0]));
const { fd } = listener;
const server = net.createServer().listen(0, localhost);
await once(server, 'listening');

/** Listens on a free port, closes, and tells the port: what programs do without a package. */
const listenAndClose = () =>
  new Promise((resolve) => {
    const opened = net.createServer().listen(0, localhost, () => {
      const { port } = opened.address();
      opened.close(() => resolve(port));
    });
  });

/** Until a server listens on what `prepare` has made; it is closed out of the time. */
const servedFrom = (prepare, listen, discard = () => {}) =>
  between({
    before: () => ({ server: net.createServer(), prepared: prepare() }),
    call: async ({ server, prepared }) => {
      const listening = once(server, 'listening');
      await Promise.all([listen(server, prepared), listening]);
    },
    after: async ({ server, prepared }) => {
      server.close();
      await once(server, 'close');
      discard(prepared);
    },
  });

const served = (listen) => servedFrom(() => {}, listen);

const boundSocket = () => {
  const socket = new SocketHandle();
  bindPort(socket);
  return socket;
};

/** By a library that calls C functions: into buffers of ours, as is fastest there. */
function byForeignFunction(call) {
  const value = new Int32Array(1);
  const length = new Uint32Array([4]);
  return loop(() => {
    length[0] = 4;
    if (call(fd, SOL_SOCKET, SO_REUSEADDR, value, length) !== 0) throw new Error('getsockopt');
    return value[0];
  });
}

const koffi = require('koffi');
const sockopt = require('sockopt');
const floor = require(floorPath);
const { default: getPort } = await import(require.resolve('get-port'));
const portfinder = require('portfinder');
const { detect } = require('detect-port');

const crowdedPort = () => listener.address().port;

const works = {
  getsockopt: {
    floor: loop(() => floor.getsockopt(fd, SOL_SOCKET, SO_REUSEADDR)),
    getsockopt: loop(() => getsockopt(fd, SOL_SOCKET, SO_REUSEADDR)),
    'getOption(handle)': loop(() => getOption(listener, 'SO_REUSEADDR')),
    'getOption(server)': loop(() => getOption(server, 'SO_REUSEADDR')),
    sockopt: loop(() => sockopt.getsockopt(server, SOL_SOCKET, SO_REUSEADDR)),
    koffi: byForeignFunction(
      koffi
        .load('libc.so.6')
        .func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
    ),
  },
  linger: { bindport: loop(() => getOption(listener, 'SO_LINGER')) },
  milliseconds: { bindport: loop(() => getOption(listener, 'SO_RCVTIMEO')) },
  text: { bindport: loop(() => getOption(listener, 'TCP_CONGESTION')) },
  bigint: { bindport: loop(() => getOption(listener, 'SO_MAX_PACING_RATE')) },
  integers: { bindport: loop(() => getOption(listener, 'SO_MEMINFO')) },
  bytes: {
    bindport: loop(() => getOption(listener, 'IP_OPTIONS')),
    'bindport, by number': loop(() => getsockopt(fd, IPPROTO_IP, IP_OPTIONS, 64)),
  },
  find: {
    bindport: loop(findUnusedPort),
    'get-port': awaited(() => getPort({ host: localhost })),
    portfinder: awaited(() => portfinder.getPortPromise({ host: localhost })),
    'detect-port': awaited(() => detect({ port: 0, hostname: localhost })),
    'listen(0), close': awaited(listenAndClose),
  },
  bindPort: { bindport: timeBindPort },
  socket: { bindport: loop(() => new SocketHandle().close()) },
  reserve: { bindport: loop(() => reservePort().release()) },
  localhost: { bindport: loop(() => reservePort({ host: 'localhost' }).release()) },
  udp: { bindport: loop(() => reservePort({ protocol: 'udp' }).release()) },
  serve: {
    'listen(0)': served((made) => made.listen(0, localhost)),
    'bindPort, adopt': served((made) => adopt(made, boundSocket())),
    adopt: servedFrom(boundSocket, (made, socket) => adopt(made, socket)),
    'reservation.listen': servedFrom(
      reservePort,
      (made, reservation) => reservation.listen(made),
      (reservation) => reservation.release(),
    ),
  },
  inspect: {
    bindport: loop(() => inspectSocket(listener)),
    'bindport, by process': loop(() => inspectSocket({ pid: process.pid, fd })),
  },
  findSockets: {
    bindport: awaited(() =>
      findSockets({ port: crowdedPort(), protocol: 'tcp', state: 'LISTEN', processes: 'none' }),
    ),
  },
};

if (net.BoundSocket) {
  const bound = () => new net.BoundSocket({ host: localhost, port: 0 });
  works.find['net.BoundSocket'] = loop(() => {
    const opened = bound();
    const { port } = opened.address();
    opened.close();
    return port;
  });
  works.serve['net.BoundSocket'] = served((made) => made.listen(bound()));
}
if (process.getBuiltinModule?.('node:ffi')) {
  const { dlopen } = process.getBuiltinModule('node:ffi');
  const { functions } = dlopen('libc.so.6', {
    getsockopt: { arguments: ['int32', 'int32', 'int32', 'buffer', 'buffer'], return: 'int32' },
  });
  works.getsockopt['node:ffi'] = byForeignFunction(functions.getsockopt);
}

const ways = Object.fromEntries(
  Object.entries(works).flatMap(([work, by]) =>
    Object.entries(by).map(([way, time]) => [`${work}/${way}`, time]),
  ),
);
console.log(JSON.stringify(Object.keys(ways)));
for await (const line of createInterface(process.stdin)) {
  const [, way, times] = line.match(/^(.*) (\d+)$/);
  console.log(String(await ways[way](Number(times))));
}
process.exit();
