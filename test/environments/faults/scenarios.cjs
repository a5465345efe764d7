'use strict';
// Each public function in its usual use. `use` has what it is given closed afterwards, as a caller would.
const { createSocket } = require('node:dgram');
const { createServer } = require('node:net');
const { fork } = require('node:child_process');
const { join } = require('node:path');
const bindport = require('../../..');

const { SocketHandle, constants, reservePort } = bindport;
const { AF_INET, SOCK_DGRAM } = constants;

function bound(use, type) {
  const handle = use(new SocketHandle(AF_INET, type));
  handle.bind();
  return handle;
}

function listening(use) {
  const handle = bound(use);
  handle.listen();
  return handle;
}

/** A scenario: `before`, which no fault disturbs, and what is tried with what that returned. */
const scenarios = {
  'new SocketHandle': [() => {}, (_, use) => use(new SocketHandle())],
  'SocketHandle.from': [
    (use) => {
      const fd = new SocketHandle().detach();
      use({ close: () => bindport.SocketHandle.from(fd).close() });
      return fd;
    },
    (fd) => SocketHandle.from(fd).detach(),
  ],
  'SocketHandle.close': [() => new SocketHandle(), (handle) => handle.close()],
  'bind, listen, address': [
    (use) => use(new SocketHandle()),
    (handle) => {
      handle.bind();
      handle.listen();
      handle.address();
    },
  ],
  duplicate: [(use) => bound(use), (handle, use) => use(handle.duplicate())],
  accept: [
    (use) => {
      const listener = listening(use);
      use(new SocketHandle()).connect('127.0.0.1', listener.address().port);
      return listener;
    },
    (listener, use) => use(listener.accept()),
  ],
  connect: [
    (use) => [listening(use), use(new SocketHandle())],
    ([listener, client]) => client.connect('127.0.0.1', listener.address().port),
  ],
  'getOption, setOption': [
    (use) => use(new SocketHandle()),
    (handle) => {
      handle.setOption('SO_KEEPALIVE', true);
      handle.getOption('SO_KEEPALIVE');
      handle.setOption('SO_LINGER', { enabled: true, seconds: 1 });
      handle.getOption('SO_LINGER');
    },
  ],
  bindPort: [(use) => use(new SocketHandle()), (handle) => bindport.bindPort(handle)],
  findUnusedPort: [() => {}, () => bindport.findUnusedPort()],
  bindConflicts: [() => {}, () => bindport.bindConflicts({ protocol: 'tcp' }), { most: 12 }],
  'transfer TCP': [(use) => bound(use), (handle, use) => use(handle.transfer())],
  'transfer UDP': [(use) => bound(use, SOCK_DGRAM), (handle, use) => use(handle.transfer())],
  'adopt by a server': [
    (use) => [use(createServer()), bound(use)],
    ([server, handle]) => bindport.adopt(server, handle, { restartable: true }),
  ],
  'adopt a number': [
    (use) => {
      const handle = new SocketHandle();
      handle.bind();
      const fd = handle.detach();
      use({ close: () => SocketHandle.from(fd).close() });
      return [use(createServer()), fd];
    },
    ([server, fd]) => bindport.adopt(server, fd),
  ],
  'adopt the number of a UDP socket': [
    (use) => {
      const handle = new SocketHandle(AF_INET, SOCK_DGRAM);
      handle.bind();
      const fd = handle.detach();
      use({ close: () => SocketHandle.from(fd).close() });
      return [use(createSocket('udp4')), fd];
    },
    ([socket, fd]) => bindport.adopt(socket, fd),
  ],
  'adopt by a dgram socket': [
    (use) => [use(createSocket('udp4')), bound(use, SOCK_DGRAM)],
    ([socket, handle]) => bindport.adopt(socket, handle),
  ],
  listenExclusive: [
    (use) => use(createServer()),
    (server) => bindport.listenExclusive(server, { host: '127.0.0.1' }),
  ],
  'listenExclusive everywhere': [
    (use) => use(createServer()),
    (server) => bindport.listenExclusive(server),
  ],
  'sendSocket, TCP': [
    (use, { child }) => [child, bound(use)],
    ([child, handle]) => bindport.sendSocket(child, handle),
    { child: true },
  ],
  'sendSocket, UDP': [
    (use, { child }) => [child, bound(use, SOCK_DGRAM)],
    ([child, handle]) => bindport.sendSocket(child, handle),
    { child: true },
  ],
  receiveSocket: [
    (_, { child }) => child,
    async (child, use) => {
      const received = bindport.receiveSocket({ from: child });
      child.send('send');
      use(await received);
    },
    { child: true },
  ],
  inspectSocket: [(use) => listening(use), (handle) => bindport.inspectSocket(handle)],
  findSockets: [() => {}, () => bindport.findSockets({ port: 1 })],
  explainPort: [
    (use) => listening(use).address().port,
    (port) => bindport.explainPort(port, { timeout: 2000 }),
    { most: 12 },
  ],
  'strategy release': reservationOf({ strategy: 'release', host: '127.0.0.1' }),
  'strategy connected-pair': reservationOf({ strategy: 'connected-pair', host: '127.0.0.1' }),
  'reservePort, TCP': reservationOf({}),
  'reservePort, localhost': reservationOf({ host: 'localhost' }),
  'reservePort, UDP': reservationOf({ protocol: 'udp' }),
  'reservePort, both': reservationOf({ protocol: 'both' }),
  'reservePort, a wildcard': reservationOf({ host: '0.0.0.0' }),
  'reservePort, strict': reservationOf({ port: 0, strict: true, host: 'localhost' }),
  reservePortWhenFree: [
    (use) => use(reservePort({ host: '::1' }), 'release'),
    async (taken, use) => {
      const { port } = taken;
      const waiting = bindport.reservePortWhenFree({ host: 'localhost', port, wait: 5000 });
      try {
        taken.release();
      } finally {
        use(await waiting, 'release');
      }
    },
  ],
  reservePorts: [
    () => {},
    (_, use) => bindport.reservePorts(3, { protocol: 'both' }).map((one) => use(one, 'release')),
  ],
  'reservation.listen': [
    (use) => [use(reservePort(), 'release'), use(createServer())],
    ([reservation, server]) => reservation.listen(server),
  ],
  'reservation.listen, a wildcard': [
    (use) => [use(reservePort({ host: '0.0.0.0' }), 'release'), use(createServer())],
    ([reservation, server]) => reservation.listen(server),
  ],
  'reservation.listen, release': [
    (use) => [use(reservePort({ strategy: 'release' }), 'release'), use(createServer())],
    ([reservation, server]) => reservation.listen(server),
  ],
  'reservation.bind': [
    (use) => [use(reservePort({ protocol: 'udp' }), 'release'), use(createSocket('udp4'))],
    ([reservation, socket]) => reservation.bind(socket),
  ],
  'share, unshare': [
    (use) => use(reservePort({ host: 'localhost' }), 'release'),
    (reservation) => {
      reservation.share();
      reservation.unshare();
    },
    { held: true },
  ],
  'share, unshare, release': [
    (use) => use(reservePort({ host: 'localhost', strategy: 'release' }), 'release'),
    (reservation) => {
      reservation.share();
      reservation.unshare();
    },
  ],
  'ready, TCP': [
    (use) => {
      const reservation = use(reservePort(), 'release');
      reservation.share();
      const server = use(createServer());
      return new Promise((resolve) =>
        server.listen(reservation.port, '127.0.0.1', () => resolve(reservation)),
      );
    },
    (reservation) => reservation.ready({ timeout: 5000 }),
  ],
  'spawn, pass fd': [
    (use) => use(reservePort({ protocol: 'both' }), 'release'),
    (reservation, use) => ended(use, reservation.spawn('true', { pass: 'fd', stdio: 'ignore' })),
    { most: 6 },
  ],
  'spawn, pass port': [
    (use) => use(reservePort(), 'release'),
    (reservation, use) => ended(use, reservation.spawn('true', { stdio: 'ignore' })),
    { most: 6 },
  ],
  release: [
    () => reservePort({ host: 'localhost', protocol: 'both' }),
    (reservation) => reservation.release(),
  ],
};

function reservationOf(options) {
  return [() => {}, (_, use) => use(reservePort(options), 'release')];
}

function ended(_use, child) {
  return new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
}

/** A child that takes sockets, and sends one when it is told to. */
async function startPeer() {
  const child = fork(join(__dirname, 'peer.cjs'), { env: { ...process.env, LD_PRELOAD: '' } });
  await new Promise((resolve) => child.once('message', resolve));
  return child;
}

module.exports = { scenarios, startPeer };
