import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  constants,
  descriptorOf,
  findSockets,
  getOption,
  getsockopt,
  inspectSocket,
  type OptionName,
  reservePort,
  SocketHandle,
  type SocketReport,
  socketOptions,
} from '../../src/index';
import { callUnchecked } from '../support/bad-values';
import { neverOpen } from '../support/descriptors';
import { startHolder } from '../support/holder';
import { hasIpv6, hasUnixSockets } from '../support/network';
import { asPythonReads, readByPython } from '../support/option-readers';
import { fixture } from '../support/paths';
import { linuxOnly, runWhen, unixOnly } from '../support/platform';
import { errnoOf, systemErrorLike, thrown } from '../support/thrown';

const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM } = constants;

const opened: SocketHandle[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close();
});

function open(family: number, type: number): SocketHandle {
  const socket = new SocketHandle(family, type);
  opened.push(socket);
  return socket;
}

let names = 0;

/** Binds to an address of the family that nobody has. */
function bound(family: number, type: number): SocketHandle {
  const socket = open(family, type);
  if (family === AF_UNIX) socket.bind(`\0bindport-inspect-${process.pid}-${++names}`);
  else socket.bind();
  return socket;
}

function listener(family: number): SocketHandle {
  const socket = bound(family, SOCK_STREAM);
  socket.listen(7);
  return socket;
}

/** Both ends of a connection to it. */
function connection(server: SocketHandle): [SocketHandle, SocketHandle] {
  const { address, port } = server.address();
  const client = open(server.family, server.type);
  client.connect(address, port);
  const accepted = server.accept();
  opened.push(accepted);
  return [client, accepted];
}

/** Sockets in each state, by what they are. */
function everySocket(): [string, SocketHandle][] {
  const families: [string, number][] = [['IPv4', AF_INET]];
  if (hasIpv6) families.push(['IPv6', AF_INET6]);
  if (hasUnixSockets) families.push(['Unix', AF_UNIX]);
  return families.flatMap(([name, family]): [string, SocketHandle][] => {
    const server = listener(family);
    const [client, accepted] = connection(server);
    const receiver = bound(family, SOCK_DGRAM);
    const sender = open(family, SOCK_DGRAM);
    const { address, port } = receiver.address();
    sender.connect(address, port);
    return [
      [`${name} stream, new`, open(family, SOCK_STREAM)],
      [`${name} stream, bound`, bound(family, SOCK_STREAM)],
      [`${name} listener`, server],
      [`${name} client`, client],
      [`${name} accepted`, accepted],
      [`${name} datagram, new`, open(family, SOCK_DGRAM)],
      [`${name} datagram, bound`, receiver],
      [`${name} datagram, connected`, sender],
    ];
  });
}

/** They differ from one read to the next, of a socket that nobody touches. */
const MOVING: ReadonlySet<OptionName> = new Set<OptionName>([
  'TCP_INFO',
  'TCP_TIMESTAMP',
  'TCP_CC_INFO',
  'SO_INCOMING_CPU',
  // Windows: pointers into the memory that it is read to.
  'SO_BSP_STATE',
]);

describe('inspectSocket', () => {
  test('tells what a listener is', () => {
    const server = listener(AF_INET);
    const report = inspectSocket(server);
    expect(report).toMatchObject({
      fd: server.fd,
      family: AF_INET,
      type: SOCK_STREAM,
      protocol: constants.IPPROTO_TCP,
      local: server.address(),
      state: 'LISTEN',
      listening: true,
    });
    expect(report.remote).toBeUndefined();
    expect(report.pid).toBeUndefined();
  });

  test('tells the queue of a listener', linuxOnly('in TCP_INFO'), () => {
    const server = listener(AF_INET);
    expect(inspectSocket(server)).toMatchObject({ queue: 0, backlog: 7 });
    open(AF_INET, SOCK_STREAM).connect('127.0.0.1', server.address().port);
    expect(inspectSocket(server)).toMatchObject({ queue: 1, backlog: 7 });
  });

  test('tells both addresses of a connection', () => {
    const [client, accepted] = connection(listener(AF_INET));
    const [one, other] = [inspectSocket(client), inspectSocket(accepted)];
    expect([one.local, one.remote]).toEqual([client.address(), accepted.address()]);
    expect([other.local, other.remote]).toEqual([accepted.address(), client.address()]);
    expect([one.state, other.state]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
  });

  test('tells states as findSockets does', linuxOnly('it lists bound sockets'), async () => {
    for (const [what, socket] of everySocket()) {
      const { state } = inspectSocket(socket);
      // The kernel calls a Unix datagram socket connected when another one connects to it: unix_dgram_connect.
      if (what === 'Unix datagram, bound') continue;
      if (state === 'CLOSED') {
        expect(what).toMatch(/stream, new/);
        continue;
      }
      const cookie = socket.getOption('SO_COOKIE');
      const found = await findSockets({ pid: process.pid, processes: 'none' });
      const same = found.find((one) => one.cookie === cookie);
      expect([what, same?.state ?? 'UNCONNECTED']).toEqual([what, state]);
    }
  });

  test('reads every option as getOption does, and as many as there are', () => {
    for (const [what, socket] of everySocket()) {
      const { options } = inspectSocket(socket);
      for (const [name, { access, notInspected, kind }] of socketOptions) {
        if (access === 'w' || notInspected !== undefined || MOVING.has(name)) continue;
        let value: unknown;
        try {
          value = getOption(socket, name);
        } catch {
          // It is not this socket's: inspectSocket has it no more than getOption.
          expect([what, name, options[name]]).toEqual([what, name, undefined]);
          continue;
        }
        // Their length is searched for by several calls; `remote` and getOption have them.
        if (kind === 'peer-name') continue;
        if (isOfAnotherLevel(name, socket)) continue;
        expect([what, name, options[name]]).toEqual([what, name, value]);
      }
    }
  });

  test('makes of each report objects of its own', () => {
    const socket = open(AF_INET, SOCK_STREAM);
    const objects = () =>
      Object.values<unknown>(inspectSocket(socket).options).filter(
        (value) => value instanceof Object,
      );
    inspectSocket(socket);
    const given = new Set(objects());
    expect(given.size).toBeGreaterThan(0);
    expect(objects().filter((value) => given.has(value))).toEqual([]);
  });

  test('tells of each socket its own, whichever came before', () => {
    const plain = open(AF_INET, SOCK_STREAM);
    const other = open(AF_INET, SOCK_STREAM);
    other.setOption('SO_LINGER', { enabled: true, seconds: 7 });
    other.setOption('SO_KEEPALIVE', true);
    const tell = (socket: SocketHandle) => {
      const { SO_LINGER: linger, SO_KEEPALIVE: keepAlive } = inspectSocket(socket).options;
      return { linger, keepAlive };
    };
    const initial = { linger: { enabled: false, seconds: 0 }, keepAlive: false };
    const set = { linger: { enabled: true, seconds: 7 }, keepAlive: true };
    expect([plain, other, plain, other].map(tell)).toEqual([initial, set, initial, set]);
  });

  test('names no option that must not be read', () => {
    const never = [...socketOptions].filter(([, { notInspected }]) => notInspected !== undefined);
    expect(never.map(([name]) => name)).toContain('SO_ERROR');
    for (const [, socket] of everySocket()) {
      const found = new Set(Object.keys(inspectSocket(socket).options));
      expect(never.filter(([name]) => found.has(name))).toEqual([]);
    }
  });

  test('reads what python3 reads', linuxOnly('the sizes are of Linux'), async () => {
    const kinds = new Set(['boolean', 'integer', 'unsigned', 'seconds', 'linger', 'milliseconds']);
    const wanted = everySocket().flatMap(([what, { fd }]) =>
      Object.entries(inspectSocket(fd).options).flatMap(([key, ours]) => {
        const [name, option] = [...socketOptions].find(([one]) => one === key) ?? [];
        if (!name || !option || !kinds.has(option.kind) || MOVING.has(name)) return [];
        return [{ fd, name, option, what, ours: asPythonReads(option.kind, ours) }];
      }),
    );
    expect(wanted.length).toBeGreaterThan(1000);
    const theirs = await readByPython(wanted);
    expect(wanted.map(({ what, name, ours }) => [what, name, ours])).toEqual(
      wanted.map(({ what, name }, i) => [what, name, theirs[i]]),
    );
  });

  test('takes whatever has a socket', async () => {
    const server = createHttpServer().listen(0, '127.0.0.1');
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    await once(server, 'listening');
    expect(inspectSocket(server)).toMatchObject({ listening: true, local: server.address() });
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => new Promise<void>((resolve) => udp.close(() => resolve())));
    await once(udp, 'listening');
    expect(inspectSocket(udp)).toMatchObject({
      type: SOCK_DGRAM,
      state: 'UNCONNECTED',
      local: { port: udp.address().port },
    });
    const socket = listener(AF_INET);
    expect(inspectSocket(socket.fd)).toMatchObject({ fd: socket.fd, listening: true });
  });

  test.each([
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    ['80', 'ERR_INVALID_ARG_TYPE'],
    [-1, 'ERR_OUT_OF_RANGE'],
    [{ pid: '1', fd: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ pid: 0, fd: 1 }, 'ERR_OUT_OF_RANGE'],
    [{ pid: 1, fd: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ pid: 1, fd: 1, cookie: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ pid: 1, fd: 1, cookie: -1n }, 'ERR_OUT_OF_RANGE'],
    [{}, 'ERR_NO_DESCRIPTOR'],
  ])('refuses %o', (target, code) => {
    expect(thrown(() => callUnchecked(inspectSocket, [target]))).toMatchObject({ code });
  });

  test('says that a descriptor is closed, or no socket', unixOnly('descriptors of files'), () => {
    expect(thrown(() => inspectSocket(neverOpen))).toMatchObject(
      systemErrorLike('getsockopt', 'EBADF'),
    );
    const closed = new SocketHandle();
    closed.close();
    expect(thrown(() => inspectSocket(closed))).toMatchObject({ code: 'ERR_SOCKET_HANDLE_CLOSED' });
  });
});

/** Levels that the kernel answers on sockets they are not of (IPPROTO_IP's on Unix sockets: it does not). */
function isOfAnotherLevel(name: OptionName, { family }: SocketHandle): boolean {
  const level = socketOptions.get(name)?.levelName;
  if (level === 'IPPROTO_IPV6') return family !== AF_INET6;
  return level === 'SOL_LOCAL' && family !== AF_UNIX;
}

describe('what was changed', () => {
  test('is nothing of a socket that nobody has set anything of', () => {
    for (const [what, socket] of everySocket()) {
      const { changed, defaults } = inspectSocket(socket);
      expect([what, changed, defaults]).toEqual([what, [], {}]);
    }
  });

  test('is marked, with the value of a new socket', () => {
    const socket = open(AF_INET, SOCK_STREAM);
    const usual = socket.getOption('SO_RCVBUF');
    socket.setOption('SO_REUSEADDR', true);
    socket.setOption('SO_RCVBUF', 50_000);
    socket.setOption('TCP_NODELAY', true);
    const { options, changed = [], defaults = {} } = inspectSocket(socket);
    expect([...changed].sort()).toEqual(['SO_RCVBUF', 'SO_REUSEADDR', 'TCP_NODELAY']);
    expect(defaults).toEqual({ SO_REUSEADDR: false, SO_RCVBUF: usual, TCP_NODELAY: false });
    expect(options).toMatchObject({ SO_REUSEADDR: true, TCP_NODELAY: true });
  });

  test('is the size of a buffer that was set, not one that grew', linuxOnly('SO_BUF_LOCK'), () => {
    const [client, accepted] = connection(listener(AF_INET));
    expect(inspectSocket(client).changed).toEqual([]);
    accepted.setOption('SO_SNDBUF', 50_000);
    expect(inspectSocket(accepted).changed).toContain('SO_SNDBUF');
  });

  test('is what an accepted connection has from its listener', () => {
    const server = bound(AF_INET, SOCK_STREAM);
    server.setOption('SO_KEEPALIVE', true);
    server.listen();
    expect(inspectSocket(connection(server)[1]).changed).toEqual(['SO_KEEPALIVE']);
  });
});

describe('inspection disturbs nothing', linuxOnly('it counts in /proc'), () => {
  const fds = () => readdirSync('/proc/self/fd').length;

  /** Every option that can be read without a trace, as bytes. */
  function bytesOf(socket: SocketHandle): [OptionName, string][] {
    return [...socketOptions].flatMap(([name, option]): [OptionName, string][] => {
      const { access, notInspected, level, name: number } = option;
      if (access === 'w' || notInspected !== undefined || MOVING.has(name)) return [];
      try {
        return [[name, getsockopt(socket, level, number, 512).toString('hex')]];
      } catch (error) {
        return [[name, String(error)]];
      }
    });
  }

  test('no option of any socket, and no descriptor', () => {
    const sockets = everySocket();
    const before = sockets.map(([, socket]) => bytesOf(socket));
    const count = fds();
    for (let i = 0; i < 20; i++) {
      for (const [, socket] of sockets) {
        inspectSocket(socket);
        inspectSocket(socket.fd);
        inspectSocket({ pid: process.pid, fd: socket.fd });
      }
    }
    expect(fds()).toBe(count);
    expect(sockets.map(([, socket]) => bytesOf(socket))).toEqual(before);
  });

  test('not the bytes that wait', async () => {
    const server: Server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const client = connect(port, '127.0.0.1');
    const [socket]: Socket[] = await once(server, 'connection');
    if (socket === undefined) throw new Error('no connection');
    socket.pause();
    client.end('a request');
    await once(client, 'finish');
    const fd = descriptorOf(socket);
    while (inspectSocket(fd).unread !== 'a request'.length) await new Promise(setImmediate);
    for (let i = 0; i < 100; i++) {
      expect(inspectSocket({ pid: process.pid, fd }).unread).toBe('a request'.length);
    }
    const received: Buffer[] = await socket.toArray();
    expect(Buffer.concat(received).toString()).toBe('a request');
    client.destroy();
  });

  test('not the error that waits', async () => {
    const server = listener(AF_INET);
    const client = open(AF_INET, SOCK_STREAM);
    client.connect('127.0.0.1', server.address().port);
    const accepted = server.accept();
    // A close with linger 0 is a reset, and the reset an error at the other end.
    accepted.setOption('SO_LINGER', { enabled: true, seconds: 0 });
    accepted.close();
    while (inspectSocket(client).state === 'ESTABLISHED') await new Promise(setImmediate);
    for (let i = 0; i < 100; i++) inspectSocket({ pid: process.pid, fd: client.fd });
    expect(client.getOption('SO_ERROR')).toBe(-errnoOf('ECONNRESET'));
  });

  test('not the queue of a listener', () => {
    const server = listener(AF_INET);
    const clients = [1, 2, 3].map(() => open(AF_INET, SOCK_STREAM));
    for (const client of clients) client.connect('127.0.0.1', server.address().port);
    for (let i = 0; i < 100; i++) expect(inspectSocket(server).queue).toBe(3);
    for (const client of clients) {
      const accepted = server.accept();
      opened.push(accepted);
      expect(accepted.remoteAddress()).toEqual(client.address());
    }
  });
});

describe("another process's socket", linuxOnly('pidfd_getfd'), () => {
  test('is told with its options', async () => {
    const { pid, fd, port } = await startHolder();
    const report: SocketReport = inspectSocket({ pid, fd });
    expect(report).toMatchObject({
      pid,
      fd,
      local: { address: '127.0.0.1', family: 'IPv4', port },
      state: 'LISTEN',
      backlog: 7,
      changed: ['SO_REUSEADDR'],
      defaults: { SO_REUSEADDR: false },
    });
    expect(report.options.SO_REUSEADDR).toBe(true);
  });

  test('is told apart by its cookie', async () => {
    const { pid, fd, port } = await startHolder();
    const [found] = await findSockets({ port });
    const cookie = found?.cookie ?? 0n;
    expect(inspectSocket({ pid, fd, cookie }).state).toBe('LISTEN');
    expect(thrown(() => inspectSocket({ pid, fd, cookie: cookie + 1n }))).toMatchObject(
      systemErrorLike('inspectSocket', 'ESTALE'),
    );
  });

  test('leaves the port to its process, which can close it', async () => {
    const { child, pid, fd, port } = await startHolder();
    for (let i = 0; i < 100; i++) inspectSocket({ pid, fd });
    child.stdin?.end();
    await once(child, 'exit');
    const socket = open(AF_INET, SOCK_STREAM);
    socket.bind('127.0.0.1', port);
    expect(socket.address().port).toBe(port);
  });

  test('is refused with the reason', async () => {
    const { pid, fd } = await startHolder();
    expect(thrown(() => inspectSocket({ pid, fd: 999 }))).toMatchObject({
      ...systemErrorLike('inspectSocket', 'EBADF'),
      message: expect.stringContaining(`descriptor 999 of process ${pid}`),
    });
    const file = openSync('/dev/null', 'r');
    onTestFinished(() => closeSync(file));
    const other = { pid: process.pid, fd: file };
    expect(thrown(() => inspectSocket(other))).toMatchObject({ code: 'ENOTSOCK' });
    expect(thrown(() => inspectSocket({ pid: 0x7fffffff, fd }))).toMatchObject({ code: 'ESRCH' });
  });

  test(
    'of another user needs a right, which the error names',
    runWhen(nobodyCanRun(), 'needs root, and a checkout that other users can read'),
    async () => {
      const { pid, fd } = await startHolder();
      const { stdout } = spawnSync(
        process.execPath,
        [fixture('inspection/inspect-other.cjs'), String(pid), String(fd)],
        { uid: 65534, gid: 65534, encoding: 'utf8' },
      );
      expect(JSON.parse(stdout)).toEqual({
        code: 'EPERM',
        syscall: 'inspectSocket',
        message: expect.stringContaining('needs root'),
      });
    },
  );
});

function nobodyCanRun(): boolean {
  if (process.geteuid?.() !== 0) return false;
  const options = { uid: 65534, gid: 65534 };
  const script = fixture('inspection/inspect-other.cjs');
  return spawnSync(process.execPath, [script, '1', '0'], options).status === 0;
}

describe('console.log', () => {
  test('prints a report by names, with what was changed', () => {
    const socket = listener(AF_INET);
    socket.setOption('SO_KEEPALIVE', true);
    const shown = inspect(inspectSocket(socket));
    expect(shown).toMatch(/^SocketReport \{/);
    expect(shown).toContain("family: 'AF_INET'");
    expect(shown).toContain("type: 'SOCK_STREAM'");
    expect(shown).toContain("changed: [ 'SO_KEEPALIVE' ]");
    expect(shown).toMatch(/options: \[\d+ options\]/);
    expect(shown.split('\n').length).toBeLessThan(20);
    expect(inspect([[[inspectSocket(socket)]]])).toContain('[SocketReport]');
  });

  test('prints a SocketHandle as it is now', () => {
    const socket = new SocketHandle();
    socket.bind();
    expect(inspect(socket)).toMatch(/^SocketHandle \{.*'SOCK_STREAM'/s);
    expect(inspect(socket)).toContain(`port: ${socket.address().port}`);
    expect(inspect([[[socket]]])).toContain('[SocketHandle]');
    socket.close();
    expect(inspect(socket)).toBe('SocketHandle { closed: true }');
  });

  test('prints a PortReservation with its state', () => {
    const reservation = reservePort();
    expect(inspect(reservation)).toContain(`port: ${reservation.port}`);
    expect(inspect(reservation)).toMatch(/^PortReservation \{.*state: 'held'/s);
    expect(inspect([[[reservation]]])).toContain('[PortReservation]');
    reservation.release();
    expect(inspect(reservation)).toContain("state: 'released'");
  });
});
