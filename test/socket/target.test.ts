import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer, TLSSocket, connect as tlsConnect } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { handleOf } from '../../src/base/node-handles';
import {
  adopt,
  bindPort,
  constants,
  descriptorOf,
  getOption,
  getsockopt,
  type OptionName,
  SocketHandle,
  setOption,
  setsockopt,
} from '../../src/index';
import { callUnchecked } from '../support/bad-values';
import { boundByNode, needsBoundSocket } from '../support/bound-socket';
import { credentials } from '../support/credentials';
import { closedCode, neverOpen } from '../support/descriptors';
import { nodeDescriptor } from '../support/node-descriptor';
import { isLinux, isWindows, unixOnly, windowsOnly } from '../support/platform';
import { listening, portOf, serverSaying } from '../support/servers';
import { systemErrorLike, thrown } from '../support/thrown';

const servers = [
  { kind: 'net.Server', create: () => createServer() },
  { kind: 'http.Server', create: () => createHttpServer() },
  { kind: 'https.Server', create: () => createHttpsServer(credentials) },
  { kind: 'http2 server', create: () => createHttp2Server() },
  { kind: 'tls.Server', create: () => createTlsServer(credentials) },
];

const owner = () => serverSaying('owner');

describe('options of', () => {
  test.each(servers)('a $kind', async ({ create }) => {
    const server = await listening(create());
    expect(getOption(server, 'SO_ACCEPTCONN')).toBe(true);
    expect(getOption(server, 'SO_TYPE')).toBe(constants.SOCK_STREAM);
    // libuv's choice for every TCP server on Unix, and none on Windows.
    expect(getOption(server, 'SO_REUSEADDR')).toBe(!isWindows);
    setOption(server, 'SO_REUSEADDR', isWindows);
    expect(getOption(server, 'SO_REUSEADDR')).toBe(isWindows);
    expect(server.listening).toBe(true);
  });

  test('a net.BoundSocket', needsBoundSocket, () => {
    const socket = boundByNode({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => socket.close());
    if (isWindows) {
      expect(thrown(() => getOption(socket, 'SO_TYPE'))).toHaveProperty(
        'code',
        'ERR_NO_DESCRIPTOR',
      );
      return;
    }
    expect(descriptorOf(socket)).toBe(socket.fd());
    expect(getOption(socket, 'SO_TYPE')).toBe(constants.SOCK_STREAM);
    expect(getOption(socket, 'SO_ACCEPTCONN')).toBe(false);
    setOption(socket, 'SO_KEEPALIVE', true);
    expect(getsockopt(socket, constants.SOL_SOCKET, constants.SO_KEEPALIVE)).not.toBe(0);
  });

  test('a net.Socket', async () => {
    const server = await listening(createServer());
    const socket = connect(portOf(server), '127.0.0.1');
    onTestFinished(() => {
      socket.destroy();
    });
    await once(socket, 'connect');
    expect(getOption(socket, 'SO_KEEPALIVE')).toBe(false);
    socket.setKeepAlive(true);
    expect(getOption(socket, 'SO_KEEPALIVE')).toBe(true);
    setOption(socket, 'SO_LINGER', { enabled: true, seconds: 4 });
    expect(getOption(socket, 'SO_LINGER')).toEqual({ enabled: true, seconds: 4 });
  });

  test('a tls.TLSSocket', async () => {
    const server = await listening(createTlsServer(credentials));
    const socket = tlsConnect({ port: portOf(server), host: '127.0.0.1', ca: credentials.cert });
    onTestFinished(() => {
      socket.destroy();
    });
    await once(socket, 'secureConnect');
    setOption(socket, 'SO_KEEPALIVE', true);
    expect(getOption(socket, 'SO_KEEPALIVE')).toBe(true);
    expect(socket).toBeInstanceOf(TLSSocket);
  });

  test('a dgram.Socket', async () => {
    const socket = createSocket('udp4');
    onTestFinished(() => {
      socket.close();
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    expect(getOption(socket, 'SO_TYPE')).toBe(constants.SOCK_DGRAM);
    socket.setBroadcast(true);
    expect(getOption(socket, 'SO_BROADCAST')).toBe(true);
    setOption(socket, 'SO_RCVBUF', 9000);
    expect(socket.getRecvBufferSize()).toBe(isLinux ? 18000 : 9000);
  });

  test('a server on a Unix domain socket', unixOnly('Node has named pipes there'), async () => {
    const server = createServer();
    onTestFinished(() => {
      server.close();
    });
    server.listen(isLinux ? `\0bindport-target-${process.pid}` : `/tmp/bindport-${process.pid}`);
    await once(server, 'listening');
    expect(getOption(server, 'SO_ACCEPTCONN')).toBe(true);
  });
});

describe('by number', () => {
  const { SOL_SOCKET, SO_TYPE, SO_KEEPALIVE, SOCK_STREAM } = constants;

  test.each(servers)('options of a $kind', async ({ create }) => {
    const server = await listening(create());
    expect(getsockopt(server, SOL_SOCKET, SO_TYPE)).toBe(SOCK_STREAM);
    expect(getsockopt(server, SOL_SOCKET, SO_TYPE, 4)).toHaveLength(4);
    setsockopt(server, SOL_SOCKET, SO_KEEPALIVE, true);
    expect(getOption(server, 'SO_KEEPALIVE')).toBe(true);
    expect(server.listening).toBe(true);
  });

  test.each(servers)("a $kind's descriptor is the server's own", async ({ create }) => {
    const server = await listening(create());
    const fd = descriptorOf(server);
    setOption(fd, 'SO_KEEPALIVE', true);
    expect(getOption(server, 'SO_KEEPALIVE')).toBe(true);
    expect(descriptorOf(server)).toBe(fd);
    expect(descriptorOf(fd)).toBe(fd);
  });

  test('a SocketHandle, until it is closed', () => {
    const handle = new SocketHandle();
    expect(descriptorOf(handle)).toBe(handle.fd);
    setsockopt(handle, SOL_SOCKET, SO_KEEPALIVE, 1);
    expect(getsockopt(handle, SOL_SOCKET, SO_KEEPALIVE)).not.toBe(0);
    handle.close();
    for (const call of [
      () => descriptorOf(handle),
      () => getsockopt(handle, SOL_SOCKET, SO_TYPE),
      () => setsockopt(handle, SOL_SOCKET, SO_KEEPALIVE, 1),
    ]) {
      expect(thrown(call)).toHaveProperty('code', 'ERR_SOCKET_HANDLE_CLOSED');
    }
  });

  test('a dgram.Socket', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => {
      socket.close();
    });
    await once(socket, 'listening');
    expect(getsockopt(socket, SOL_SOCKET, SO_TYPE)).toBe(constants.SOCK_DGRAM);
    expect(getsockopt(descriptorOf(socket), SOL_SOCKET, SO_TYPE)).toBe(constants.SOCK_DGRAM);
  });
});

test('options of a SocketHandle and of its number', () => {
  using handle = new SocketHandle();
  setOption(handle, 'SO_KEEPALIVE', true);
  expect(getOption(handle.fd, 'SO_KEEPALIVE')).toBe(true);
  setOption(handle.fd, 'SO_KEEPALIVE', false);
  expect(getOption(handle, 'SO_KEEPALIVE')).toBe(false);
});

describe('what has no descriptor', () => {
  const closedServer = async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return server;
  };
  test.each([
    ...servers.map(({ kind, create }) => ({ kind: `a ${kind} before listen`, create })),
    { kind: 'a net.Server after close', create: closedServer },
    { kind: 'a net.Socket before connect', create: () => new Socket() },
    { kind: 'a plain object', create: () => ({}) },
    { kind: 'an object without a prototype', create: () => Object.create(null) as object },
  ])('$kind', async ({ create }) => {
    const target = await create();
    for (const call of [
      () => callUnchecked(getOption, [target, 'SO_TYPE']),
      () => callUnchecked(setOption, [target, 'SO_KEEPALIVE', true]),
      () => callUnchecked(getsockopt, [target, constants.SOL_SOCKET, constants.SO_TYPE]),
      () => callUnchecked(setsockopt, [target, constants.SOL_SOCKET, constants.SO_KEEPALIVE, 1]),
      () => callUnchecked(descriptorOf, [target]),
    ]) {
      const error = thrown(call);
      expect(error).toHaveProperty('code', 'ERR_NO_DESCRIPTOR');
      expect(error.message).toContain('has no descriptor');
    }
  });

  test('a dgram.Socket before bind', () => {
    const socket = createSocket('udp4');
    onTestFinished(() => {
      socket.close();
    });
    expect(thrown(() => getOption(socket, 'SO_TYPE'))).toHaveProperty('code', 'ERR_NO_DESCRIPTOR');
  });

  test('a dgram.Socket after close', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.close();
    await once(socket, 'close');
    expect(thrown(() => getOption(socket, 'SO_TYPE'))).toHaveProperty('code', 'ERR_NO_DESCRIPTOR');
  });

  test('a dgram.Socket is asked without a deprecation warning', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => {
      process.off('warning', onWarning);
    });
    const socket = createSocket('udp4');
    thrown(() => getOption(socket, 'SO_TYPE'));
    socket.close();
    thrown(() => getOption(socket, 'SO_TYPE'));
    // Warnings are emitted in the next tick.
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });

  test('the error names the class', () => {
    expect(thrown(() => getOption(createServer(), 'SO_TYPE')).message).toMatch(
      /^The Server has no descriptor/,
    );
  });

  test('a closed SocketHandle', () => {
    const handle = new SocketHandle();
    handle.close();
    expect(thrown(() => getOption(handle, 'SO_TYPE'))).toHaveProperty(
      'code',
      'ERR_SOCKET_HANDLE_CLOSED',
    );
  });

  test.each([undefined, null, '3', 3n, true, Symbol('fd'), () => 3])(
    '%s is no target',
    (target) => {
      const error = thrown(() => callUnchecked(getOption, [target, 'SO_TYPE']));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toHaveProperty('code', 'ERR_INVALID_ARG_TYPE');
      expect(error.message).toContain('"target"');
    },
  );

  test.each([-1, 1.5, Number.NaN, Infinity, 2 ** 53])('%s is no descriptor', (target) => {
    const error = thrown(() => getOption(target, 'SO_TYPE'));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toContain('"target"');
  });

  test('a number that is not open', () => {
    expect(thrown(() => getOption(neverOpen, 'SO_TYPE'))).toMatchObject(
      systemErrorLike('getsockopt', closedCode),
    );
  });
});

test("a target's descriptor stays the target's", async () => {
  const server = await listening(createServer((socket) => socket.end('served')));
  const names: OptionName[] = ['SO_TYPE', 'SO_REUSEADDR', 'SO_ACCEPTCONN'];
  for (const name of names) getOption(server, name);

  const client = connect(portOf(server), '127.0.0.1').setEncoding('utf8');
  expect((await once(client, 'data'))[0]).toBe('served');
});

describe("Node's own sockets have descriptors", () => {
  test(
    'SO_EXCLUSIVEADDRUSE tells an exclusive server from others',
    windowsOnly('Winsock'),
    async () => {
      const plain = await listening(owner());
      const exclusive = owner();
      const handle = new SocketHandle();
      bindPort(handle);
      await adopt(exclusive, handle);
      expect(getOption(plain, 'SO_EXCLUSIVEADDRUSE')).toBe(false);
      expect(getOption(exclusive, 'SO_EXCLUSIVEADDRUSE')).toBe(true);
    },
  );

  test('each its own, among many', async () => {
    const servers = await Promise.all(Array.from({ length: 8 }, () => listening(owner())));
    for (const server of servers) {
      const handle = SocketHandle.from(nodeDescriptor(server));
      expect(handle.address().port).toBe(portOf(server));
      handle.detach();
    }
  });

  test('an accepted connection and its client', async () => {
    const server = await listening(owner());
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
    const server = await listening(owner());
    const hasRef = () =>
      Reflect.apply(Reflect.get(Object(handleOf(server)), 'hasRef'), handleOf(server), []);
    for (const referenced of [false, true]) {
      server[referenced ? 'ref' : 'unref']();
      expect(getOption(server, 'SO_TYPE')).toBe(constants.SOCK_STREAM);
      expect(hasRef()).toBe(referenced);
    }
  });

  test('a TLS connection through another has that of both', async () => {
    const server = createTlsServer(credentials, (outer) => {
      createTlsServer(credentials, (inner) => inner.end('inner')).emit('connection', outer);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tls = { rejectUnauthorized: false };
    const outer = tlsConnect({ ...tls, port: portOf(server), host: '127.0.0.1' });
    await once(outer, 'secureConnect');
    const inner = tlsConnect({ ...tls, socket: outer });
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

  test('a named pipe has none', windowsOnly('Winsock'), async () => {
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
    expect(getOption(socket, 'SO_TYPE')).toBe(constants.SOCK_DGRAM);
    socket.close();
    await once(socket, 'close');
  });
});
