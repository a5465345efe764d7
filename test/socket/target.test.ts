import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import net, { connect, createServer, type Server, Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, connect as tlsConnect } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { constants, getOption, type OptionName, SocketHandle, setOption } from '../../src/index';
import { callUnchecked } from '../support/bad-values';
import { credentials } from '../support/credentials';
import { closedCode, neverOpen } from '../support/descriptors';
import { isLinux, isWindows, runWhen, unixOnly } from '../support/platform';
import { systemErrorLike, thrown } from '../support/thrown';

const servers = [
  { kind: 'net.Server', create: () => createServer() },
  { kind: 'http.Server', create: () => createHttpServer() },
  { kind: 'https.Server', create: () => createHttpsServer(credentials) },
  { kind: 'http2 server', create: () => createHttp2Server() },
  { kind: 'tls.Server', create: () => createTlsServer(credentials) },
];

interface BoundSocketClass {
  new (options: { host: string; port: number }): { fd(): number; close(): void };
}

function isBoundSocketClass(value: unknown): value is BoundSocketClass {
  return typeof value === 'function';
}

/** Not in the types of Node 20. */
const found: unknown = Reflect.get(net, 'BoundSocket');
const BoundSocket = isBoundSocketClass(found) ? found : undefined;

async function listening<S extends Server>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

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

  test(
    'a net.BoundSocket',
    runWhen(BoundSocket !== undefined, 'net.BoundSocket (Node 24.19)'),
    () => {
      if (BoundSocket === undefined) throw new Error('unreachable');
      const socket = new BoundSocket({ host: '127.0.0.1', port: 0 });
      onTestFinished(() => socket.close());
      if (isWindows) {
        expect(thrown(() => getOption(socket, 'SO_TYPE'))).toHaveProperty(
          'code',
          'ERR_NO_DESCRIPTOR',
        );
        return;
      }
      expect(getOption(socket, 'SO_TYPE')).toBe(constants.SOCK_STREAM);
      expect(getOption(socket, 'SO_ACCEPTCONN')).toBe(false);
      setOption(socket, 'SO_KEEPALIVE', true);
      expect(getOption(socket, 'SO_KEEPALIVE')).toBe(true);
    },
  );

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
