/** What is Windows' own, and what must hold there although libuv does not see to it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect as connectTls, createServer as createTlsServer, TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { binding } from '../../../src/base/binding';
import { handleOf } from '../../../src/base/node-handles';
import {
  adopt,
  bindPort,
  constants,
  getOption,
  getsockopt,
  SocketHandle,
  setOption,
  setsockopt,
} from '../../../src/index';
import { openTarget } from '../../../src/socket/listen-target';
import { reportOf, startFixture } from '../../support/child';
import { credentials } from '../../support/credentials';
import { freePort } from '../../support/free-port';
import { nodeDescriptor } from '../../support/node-descriptor';
import { isWine, unixOnly, windowsOnly } from '../../support/platform';
import { rejection, systemErrorLike, thrown } from '../../support/thrown';

const { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } = constants;
const winsock = windowsOnly('Winsock');

function open(family: number = AF_INET, type: number = SOCK_STREAM): SocketHandle {
  const handle = new SocketHandle(family, type);
  onTestFinished(() => handle.close());
  return handle;
}

function owner(): Server {
  const server = createServer((client) => client.end('owner'));
  onTestFinished(() => {
    server.close();
  });
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const answerOf = (port: number) => text(connect(port, '127.0.0.1'));

/** Opens sockets until one has the number: closed handles' numbers are given out again soon. */
function reuse(fd: number, type: number = SOCK_STREAM): SocketHandle {
  for (let i = 0; i < 1000; i++) {
    const handle = open(AF_INET, type);
    if (handle.fd === fd) return handle;
  }
  throw new Error(`no other socket got the number ${fd}`);
}

describe('a SOCKET is a number', () => {
  test('of which no part is cut off', winsock, () => {
    const { fd } = open();
    for (const other of [fd + 2 ** 32, fd + 2 ** 45, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER]) {
      const error = thrown(() => getsockopt(other, SOL_SOCKET, constants.SO_TYPE));
      expect(error).toMatchObject(systemErrorLike('getsockopt', 'ENOTSOCK'));
    }
  });

  test('that may not be negative, broken or too large', winsock, () => {
    for (const fd of [-1, 1.5, 2 ** 53, Number.NaN])
      expect(thrown(() => SocketHandle.from(fd))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  });
});

describe('values', () => {
  const booleans = ['SO_KEEPALIVE', 'SO_BROADCAST', 'SO_REUSEADDR'] as const;

  test('booleans of one byte and of four are read and set', winsock, () => {
    const lengths = booleans.map((name) => {
      const handle = open(AF_INET, name === 'SO_BROADCAST' ? SOCK_DGRAM : SOCK_STREAM);
      for (const value of [true, false, true]) {
        handle.setOption(name, value);
        expect(handle.getOption(name)).toBe(value);
        expect(getsockopt(handle.fd, SOL_SOCKET, constants[name]) !== 0).toBe(value);
      }
      return getsockopt(handle.fd, SOL_SOCKET, constants[name], 64).length;
    });
    for (const length of lengths) expect([1, 4]).toContain(length);
    if (isWine) expect(new Set(lengths)).toEqual(new Set([1, 4]));
  });

  test('one byte is room enough for a boolean', winsock, () => {
    const handle = open();
    handle.setOption('SO_REUSEADDR', true);
    const bytes = getsockopt(handle.fd, SOL_SOCKET, constants.SO_REUSEADDR, 1);
    expect(bytes).toHaveLength(1);
    expect(bytes[0]).not.toBe(0);
  });

  test('times are a DWORD of milliseconds, rounded up', winsock, () => {
    const handle = open();
    for (const [value, reads] of [
      [1234, 1234],
      [0.25, 1],
      [0, 0],
      [2 ** 31 - 1, 2 ** 31 - 1],
    ] as const) {
      handle.setOption('SO_RCVTIMEO', value);
      expect(handle.getOption('SO_RCVTIMEO')).toBe(reads);
      expect(getsockopt(handle.fd, SOL_SOCKET, constants.SO_RCVTIMEO)).toBe(reads);
      expect(getsockopt(handle.fd, SOL_SOCKET, constants.SO_RCVTIMEO, 64)).toHaveLength(4);
    }
  });

  test('struct linger is two shorts', winsock, () => {
    const handle = open();
    setsockopt(handle.fd, SOL_SOCKET, constants.SO_LINGER, new Uint8Array([1, 0, 9, 0]));
    expect(handle.getOption('SO_LINGER')).toEqual({ enabled: true, seconds: 9 });
  });
});

describe('errors have the codes and numbers of libuv', () => {
  const errors: [string, string, () => unknown][] = [
    ['socket', 'EAFNOSUPPORT', () => new SocketHandle(99)],
    ['getsockopt', 'ENOTSOCK', () => SocketHandle.from(2 ** 31)],
    ['bind', 'EADDRNOTAVAIL', () => open().bind('192.0.2.1')],
    ['getsockname', 'EINVAL', () => open().address()],
    ['getpeername', 'ENOTCONN', () => open().remoteAddress()],
    ['listen', 'EINVAL', () => open().listen()],
    ['getsockopt', 'ENOPROTOOPT', () => getsockopt(open().fd, SOL_SOCKET, 0x7777)],
    ['setsockopt', 'ENOPROTOOPT', () => setsockopt(open().fd, SOL_SOCKET, 0x7777, 1)],
  ];
  test.each(errors)('%s %s', winsock, (syscall, code, call) => {
    expect(thrown(call)).toMatchObject(systemErrorLike(syscall, code));
  });

  test('a second bind', winsock, () => {
    const handle = open();
    handle.bind();
    expect(thrown(() => handle.bind())).toMatchObject(systemErrorLike('bind', 'EINVAL'));
  });

  test('a bind in Node and one here fail alike', winsock, async () => {
    const server = owner().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = portOf(server);
    const [failure] = await once(owner().listen(port, '127.0.0.1'), 'error');
    const error = thrown(() => open().bind('127.0.0.1', port));
    const { code, errno, syscall, address, message } = failure;
    expect(error).toMatchObject({ code, errno, address, port });
    expect([syscall, message]).toEqual(['listen', expect.stringContaining(code)]);
  });

  test('EACCES of an exclusive holder is explained', winsock, () => {
    const holder = open();
    const port = bindPort(holder);
    const other = open();
    other.setOption('SO_REUSEADDR', true);
    const error = thrown(() => other.bind('127.0.0.1', port));
    expect(error).toMatchObject(systemErrorLike('bind', 'EACCES'));
    expect(error.message).toBe(
      `bind EACCES 127.0.0.1:${port}: another socket holds the port exclusively, or it lies in an excluded range (netsh int ipv4 show excludedportrange)`,
    );
  });

  test('SO_EXCLUSIVEADDRUSE and SO_REUSEADDR exclude each other', winsock, () => {
    const shared = open();
    shared.setOption('SO_REUSEADDR', true);
    expect(thrown(() => shared.setOption('SO_EXCLUSIVEADDRUSE', true))).toMatchObject({
      ...systemErrorLike('setsockopt', 'EINVAL'),
      message: expect.stringMatching(/SO_EXCLUSIVEADDRUSE: the socket has SO_REUSEADDR/),
    });
    const exclusive = open();
    exclusive.setOption('SO_EXCLUSIVEADDRUSE', true);
    expect(thrown(() => exclusive.setOption('SO_REUSEADDR', true))).toMatchObject({
      ...systemErrorLike('setsockopt', 'EINVAL'),
      message: expect.stringMatching(/SO_REUSEADDR: the socket has SO_EXCLUSIVEADDRUSE/),
    });
  });

  test('bytes of another process that are none', winsock, () => {
    const errno = systemErrorLike('WSASocket', 'EINVAL').errno;
    expect(binding.importSocket(Buffer.alloc(3))).toBe(errno);
    expect(binding.importSocket(Buffer.alloc(628))).toBeLessThan(0);
  });
});

describe("Node's own sockets have descriptors", () => {
  test('SO_EXCLUSIVEADDRUSE tells an exclusive server from others', winsock, async () => {
    const plain = owner().listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const exclusive = owner();
    const handle = new SocketHandle();
    bindPort(handle);
    await adopt(exclusive, handle);
    expect(getOption(plain, 'SO_EXCLUSIVEADDRUSE')).toBe(false);
    expect(getOption(exclusive, 'SO_EXCLUSIVEADDRUSE')).toBe(true);
  });

  test('each its own, among many', async () => {
    const servers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const server = owner().listen(0, '127.0.0.1');
        await once(server, 'listening');
        return server;
      }),
    );
    for (const server of servers) {
      const handle = SocketHandle.from(nodeDescriptor(server));
      expect(handle.address().port).toBe(portOf(server));
      handle.detach();
    }
  });

  test('an accepted connection and its client', async () => {
    const server = owner().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(portOf(server), '127.0.0.1');
    const [accepted]: Socket[] = await once(server, 'connection');
    for (const [socket, listens] of [
      [accepted, false],
      [client, false],
      [server, true],
    ] as const) {
      if (socket === undefined) throw new Error('no connection');
      expect(getOption(socket, 'SO_ACCEPTCONN')).toBe(listens);
    }
    expect(await text(client)).toBe('owner');
  });

  test('and keep, or do not keep, the process alive as before', async () => {
    const server = owner().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const hasRef = () =>
      Reflect.apply(Reflect.get(Object(handleOf(server)), 'hasRef'), handleOf(server), []);
    for (const referenced of [false, true]) {
      server[referenced ? 'ref' : 'unref']();
      expect(getOption(server, 'SO_TYPE')).toBe(SOCK_STREAM);
      expect(hasRef()).toBe(referenced);
    }
  });

  test('a TLS connection through another has that of both', async () => {
    const server = createTlsServer(credentials, (outer) => {
      createTlsServer(credentials, (inner) => inner.end('inner')).emit('connection', outer);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tls = { rejectUnauthorized: false };
    const outer = connectTls({ ...tls, port: portOf(server), host: '127.0.0.1' });
    await once(outer, 'secureConnect');
    const inner = connectTls({ ...tls, socket: outer });
    await once(inner, 'secureConnect');
    expect(nodeDescriptor(inner)).toBe(nodeDescriptor(outer));
    expect(await text(inner)).toBe('inner');
    outer.destroy();
    server.close();
    await once(server, 'close');
  });

  test('a TLS connection over a stream has none', () => {
    const socket = new TLSSocket(new Duplex({ read() {}, write() {} }));
    onTestFinished(() => {
      socket.destroy();
    });
    expect(thrown(() => getOption(socket, 'SO_TYPE'))).toMatchObject({ code: 'ERR_NO_DESCRIPTOR' });
  });

  test('a named pipe has none', winsock, async () => {
    const server = createServer().listen(`\\\\.\\pipe\\bindport-${process.pid}`);
    await once(server, 'listening');
    expect(thrown(() => getOption(server, 'SO_TYPE'))).toMatchObject({ code: 'ERR_NO_DESCRIPTOR' });
    server.close();
    await once(server, 'close');
  });

  test('a listening dgram socket is told from a server', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    setOption(socket, 'SO_BROADCAST', true);
    expect(getOption(socket, 'SO_BROADCAST')).toBe(true);
    expect(getOption(socket, 'SO_TYPE')).toBe(SOCK_DGRAM);
    socket.close();
    await once(socket, 'close');
  });
});

describe('a SOCKET is opened once', () => {
  /** An attempt on a server's SOCKET fails, and leaves the server as it was. */
  async function expectUntouched(fd: number, port: number, attempt: () => Promise<unknown>) {
    expect(await rejection(attempt())).toMatchObject(systemErrorLike('open', 'EEXIST'));
    // What a second handle would close is closed in a later turn.
    await new Promise(setImmediate);
    expect(getsockopt(fd, SOL_SOCKET, constants.SO_TYPE)).toBe(SOCK_STREAM);
    expect(await answerOf(port)).toBe('owner');
  }

  test('by number, again', async () => {
    const fd = new SocketHandle().detach();
    const port = bindPort(fd);
    await adopt(owner(), fd);
    await expectUntouched(fd, port, () => adopt(owner(), fd));
  });

  test('through a second SocketHandle', async () => {
    const first = new SocketHandle();
    const port = bindPort(first);
    const { fd } = first;
    await adopt(owner(), first);
    const second = SocketHandle.from(fd);
    await expectUntouched(fd, port, () => adopt(owner(), second));
    expect(second.closed).toBe(false);
    second.detach();
  });

  test("by the number of Node's own server", async () => {
    const server = owner().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const fd = nodeDescriptor(server);
    await expectUntouched(fd, portOf(server), () => adopt(owner(), fd));
  });

  test('after transfer(), before anybody listens', async () => {
    const first = new SocketHandle();
    const port = bindPort(first);
    const { fd } = first;
    const target = first.transfer();
    expect(await rejection(adopt(owner(), fd))).toMatchObject(systemErrorLike('open', 'EEXIST'));
    const server = owner().listen(target);
    await once(server, 'listening');
    expect(await answerOf(port)).toBe('owner');
  });

  test('a UDP one, too', async () => {
    const handle = new SocketHandle(AF_INET, SOCK_DGRAM);
    bindPort(handle);
    const { fd } = handle;
    const [first, second] = [createSocket('udp4'), createSocket('udp4')];
    await adopt(first, handle);
    expect(await rejection(adopt(second, fd))).toMatchObject(systemErrorLike('open', 'EEXIST'));
    await new Promise(setImmediate);
    expect(getsockopt(fd, SOL_SOCKET, constants.SO_TYPE)).toBe(SOCK_DGRAM);
    first.close();
    second.close();
    await once(first, 'close');
  });
});

describe('a number that was given out again', () => {
  test('is not closed a second time by its former handle', () => {
    const former = new SocketHandle();
    const { fd } = former;
    former.close();
    const other = reuse(fd);
    bindPort(other);
    former.close();
    former[Symbol.dispose]();
    expect(other.bound).toBe(true);
  });

  test('is not closed by a server that failed to take it', async () => {
    const refused: (() => Promise<unknown>)[] = [];
    const failing = new SocketHandle(AF_INET, SOCK_DGRAM);
    bindPort(failing);
    const unbound = new SocketHandle();
    const served = createHttpServer();
    refused.push(
      () => adopt(served, failing),
      () => adopt(served, unbound),
    );
    const numbers = [failing.fd, unbound.fd];
    for (const attempt of refused) await rejection(attempt());
    failing.close();
    unbound.close();
    const others = numbers.map((fd) => reuse(fd));
    for (const other of others) bindPort(other);
    for (const attempt of refused) await rejection(attempt());
    served.close();
    await new Promise(setImmediate);
    expect(others.map(({ bound }) => bound)).toEqual([true, true]);
  });

  test('is not closed by a server that was closed before it listened', async () => {
    const handle = new SocketHandle();
    bindPort(handle);
    const { fd } = handle;
    const server = createServer();
    const adopting = rejection(adopt(server, handle));
    server.close();
    expect(await adopting).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' });
    const other = reuse(fd);
    bindPort(other);
    handle.close();
    server.close();
    await new Promise(setImmediate);
    expect(other.bound).toBe(true);
  });

  test('is not opened as what it was before', () => {
    const stale = new SocketHandle();
    bindPort(stale);
    const { fd } = stale;
    // Somebody else closes it, against the rules.
    expect(binding.close(fd)).toBe(0);
    binding.disown(fd);
    const udp = reuse(fd, SOCK_DGRAM);
    bindPort(udp);
    expect(thrown(() => stale.transfer())).toMatchObject({ code: 'ERR_SOCKET_BAD_TYPE' });
    expect(udp.bound).toBe(true);
    stale.detach();
  });
});

test('a Unix domain socket has no handle in Node on Windows', winsock, () => {
  const { fd } = open();
  expect(thrown(() => openTarget(fd, AF_UNIX, SOCK_STREAM))).toMatchObject({
    code: 'ERR_SOCKET_BAD_TYPE',
  });
});

describe('children do not inherit', () => {
  test.each(['a socket', 'a duplicate'])('%s', async (kind) => {
    const handle = new SocketHandle();
    const port = freePort();
    handle.bind('127.0.0.1', port);
    const duplicate = kind === 'a duplicate' ? binding.duplicate(handle.fd) : undefined;
    const { message } = startFixture('socket/stay.cjs');
    expect(await message()).toBe('here');
    handle.close();
    if (duplicate !== undefined) {
      expect(thrown(() => open().bind('127.0.0.1', port))).toHaveProperty('syscall', 'bind');
      expect(binding.close(duplicate)).toBe(0);
    }
    const next = open();
    next.bind('127.0.0.1', port);
    expect(next.address().port).toBe(port);
  });
});

describe('ten thousand sockets, opened, bound, adopted and closed,', () => {
  // A process's descriptors, and a process's handles on Windows, come from one table, where one that
  // is never closed keeps its number: then later ones have higher numbers.
  test('have the numbers of the first ones', { timeout: 300_000 }, async () => {
    const { early, late, different } = await numbers(10_000, 0);
    expect(late).toBeLessThanOrEqual(early + 4 * SLACK);
    expect(different).toBeLessThan(100);
  });

  test('would show a leak', { timeout: 300_000 }, async () => {
    const { early, late } = await numbers(1000, 100);
    expect(late).toBeGreaterThan(early + SLACK);
  });
});

/** Descriptors that the runtime itself may open meanwhile; Windows counts in fours. */
const SLACK = 10;

interface Numbers {
  early: number;
  late: number;
  different: number;
}

function isNumbers(value: unknown): value is Numbers {
  return typeof value === 'object' && value !== null && 'early' in value && 'late' in value;
}

async function numbers(cycles: number, leaks: number): Promise<Numbers> {
  const report = await reportOf('socket/descriptor-numbers.cjs', {
    args: [String(cycles), String(leaks)],
  });
  if (!isNumbers(report)) throw new Error('no report');
  return report;
}

test('on Unix the event loop is not searched', unixOnly('handles show no descriptor there'), () => {
  expect(binding.loopSockets(false)).toEqual([]);
  expect(binding.loopSockets(true)).toEqual([]);
});
