import { type ChildProcess, execFile } from 'node:child_process';
import { Worker } from 'node:cluster';
import { createSocket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { get } from 'node:http';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bindPort, constants, receiveSocket, SocketHandle, sendSocket } from '../../src/index';
import { callUnchecked } from '../support/bad-values';
import { reportOf, type StartOptions, startFixture } from '../support/child';
import { freePort } from '../support/free-port';
import { needsIpv6 } from '../support/network';
import { root } from '../support/paths';
import { isWindows, unixOnly } from '../support/platform';
import { rejection } from '../support/thrown';

const { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } = constants;

interface Reply {
  id: number;
  result?: unknown;
  error?: { message: string; code?: string };
}

function isReply(value: unknown): value is Reply {
  return typeof value === 'object' && value !== null && 'id' in value;
}

/** A child process that does what it is asked, over the very channel that the sockets go through. */
function startPeer(options: StartOptions = {}) {
  const { child, exited } = startFixture('serving/peer.cjs', options);
  const strangers: unknown[] = [];
  const waiting = new Map<number, (reply: Reply) => void>();
  child.on('message', (message) => {
    if (isReply(message)) waiting.get(message.id)?.(message);
    else strangers.push(message);
  });
  let lastId = 0;
  const ask = async (operation: string, ...args: unknown[]): Promise<unknown> => {
    lastId += 1;
    const id = lastId;
    const replied = new Promise<Reply>((resolve, reject) => {
      waiting.set(id, resolve);
      exited.then(({ stderr }) => reject(new Error(`the peer ended: ${stderr}`)), reject);
    });
    child.send({ id, operation, args });
    const { result, error } = await replied;
    if (error) throw Object.assign(new Error(error.message), { code: error.code });
    return result;
  };
  return { child, exited, ask, strangers };
}

function bound(family: number = AF_INET, type: number = SOCK_STREAM) {
  const socket = new SocketHandle(family, type);
  onTestFinished(() => socket.close());
  return { socket, port: bindPort(socket) };
}

async function httpGet(port: number): Promise<string> {
  const [response] = await once(get({ host: '127.0.0.1', port, agent: false }), 'response');
  return text(response);
}

/** Stops a child for good once its receiver has said that it waits: it reads no more. */
function stopAtWish(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('internalMessage', function stop(message: unknown) {
      if (Reflect.get(Object(message), 'step') !== 'want') return;
      child.off('internalMessage', stop);
      child.kill('SIGSTOP');
      setImmediate(resolve);
    });
  });
}

/** Keeps back what a child's receiver wants; resolves, once it does, to what lets its wish through. */
function keepBackWish(child: ChildProcess): Promise<() => void> {
  return new Promise((resolve) => {
    const { emit } = child;
    child.emit = (event: string, ...args: unknown[]) => {
      const through = () => Reflect.apply(emit, child, [event, ...args]);
      if (event !== 'internalMessage' || Reflect.get(Object(args[0]), 'step') !== 'want')
        return through();
      child.emit = emit;
      resolve(through);
      return true;
    };
  });
}

describe('a TCP socket', () => {
  test('is served by the process that received it', async () => {
    const { child, ask } = startPeer();
    const { socket, port } = bound();
    const [received] = await Promise.all([ask('receive'), sendSocket(child, socket)]);
    expect(received).toMatchObject({
      address: '127.0.0.1',
      port,
      kind: [AF_INET, SOCK_STREAM],
      reuseAddr: false,
      exclusive: isWindows,
    });
    expect(() => socket.fd).toThrow(expect.objectContaining({ code: 'ERR_SOCKET_HANDLE_ADOPTED' }));
    await ask('serveHttp', 0);
    expect(await httpGet(port)).toBe(String(child.pid));
  });

  test('that listens takes its waiting connections along', async () => {
    const { child, ask } = startPeer();
    const { socket, port } = bound();
    socket.listen();
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.write('GET / HTTP/1.0\r\n\r\n');
    await Promise.all([ask('receive'), sendSocket(child, socket)]);
    await ask('serveHttp', 0);
    expect(await text(client)).toMatch(new RegExp(`${child.pid}$`));
  });

  test('of IPv6 stays one', needsIpv6, async () => {
    const { child, ask } = startPeer();
    const { socket, port } = bound(AF_INET6);
    const [received] = await Promise.all([ask('receive'), sendSocket(child, socket)]);
    expect(received).toMatchObject({ address: '::1', port, kind: [AF_INET6, SOCK_STREAM] });
  });

  test('goes from child to parent, too', async () => {
    const { child, ask } = startPeer();
    const [socket, sent] = await Promise.all([receiveSocket({ from: child }), ask('send')]);
    onTestFinished(() => socket.close());
    expect(sent).toEqual({ port: socket.address().port, closed: true });
  });

  test('is nobody else’s afterwards: closed by its receiver, its port is free', async () => {
    const { child, ask } = startPeer();
    const socket = new SocketHandle();
    const port = freePort();
    socket.bind('127.0.0.1', port);
    await Promise.all([ask('receive'), sendSocket(child, socket)]);
    await ask('bequeath');
    await ask('close', 0);
    const next = new SocketHandle();
    onTestFinished(() => next.close());
    next.bind('127.0.0.1', port);
    expect(next.address().port).toBe(port);
  });
});

describe('a UDP socket', () => {
  for (const [type, family, host] of [
    ['udp4', AF_INET, '127.0.0.1'],
    ['udp6', AF_INET6, '::1'],
  ] as const) {
    test(`${type} answers from the process that received it`, needsIpv6, async () => {
      const { child, ask } = startPeer();
      const { socket, port } = bound(family, SOCK_DGRAM);
      const [received] = await Promise.all([ask('receive'), sendSocket(child, socket)]);
      expect(received).toMatchObject({ port, kind: [family, SOCK_DGRAM], reuseAddr: false });
      await ask('echo', 0, type);
      const client = createSocket(type);
      onTestFinished(() => void client.close());
      client.send('hello', port, host);
      const [answer] = await once(client, 'message');
      expect(String(answer)).toBe(`${child.pid} hello`);
    });
  }

  test('keeps SO_REUSEADDR on when it was on', async () => {
    const { child, ask } = startPeer();
    const socket = new SocketHandle(AF_INET, SOCK_DGRAM);
    onTestFinished(() => socket.close());
    socket.setOption('SO_REUSEADDR', true);
    socket.bind();
    const [received] = await Promise.all([ask('receive'), sendSocket(child, socket)]);
    expect(received).toMatchObject({ reuseAddr: true });
  });
});

describe('several sockets', () => {
  test('arrive in the order in which they were sent', async () => {
    const { child, ask } = startPeer();
    const sent = Array.from({ length: 8 }, (_, i) =>
      bound(AF_INET, i % 2 ? SOCK_DGRAM : SOCK_STREAM),
    );
    const receiving = sent.map(() => ask('receive'));
    await Promise.all(sent.map(({ socket }) => sendSocket(child, socket)));
    expect(await Promise.all(receiving)).toMatchObject(
      sent.map(({ port, socket: { family, type } }) => ({ port, kind: [family, type] })),
    );
  });

  test('cross in both directions', async () => {
    const { child, ask } = startPeer();
    const { socket, port } = bound();
    const [back, received, sent] = await Promise.all([
      receiveSocket({ from: child }),
      ask('receive'),
      ask('send'),
      sendSocket(child, socket),
    ]);
    onTestFinished(() => back.close());
    expect(received).toMatchObject({ port });
    expect(sent).toMatchObject({ port: back.address().port });
  });
});

describe('who comes first', () => {
  test('the sender may: it waits for the receiver', async () => {
    const { child, ask } = startPeer();
    const { socket, port } = bound();
    const sending = sendSocket(child, socket);
    // Answered after the offer was read: messages keep their order.
    await rejection(ask('close', 7));
    expect(socket.address().port).toBe(port);
    expect(await ask('receive')).toMatchObject({ port });
    await sending;
  });

  test('the receiver may: it waits for the sender', async () => {
    const { child, ask } = startPeer();
    const receiving = ask('receive');
    await rejection(ask('close', 7));
    const { socket, port } = bound();
    await sendSocket(child, socket);
    expect(await receiving).toMatchObject({ port });
  });
});

describe('two copies of the package in one process', () => {
  test('receive a socket each', async () => {
    const { child, ask } = startPeer();
    const sent = [bound(), bound()];
    const receiving = [ask('receive'), ask('receiveWithCopy')];
    await Promise.all(sent.map(({ socket }) => sendSocket(child, socket)));
    const received = await Promise.all(receiving);
    expect(received).toMatchObject(
      expect.arrayContaining(sent.map(({ port }) => expect.objectContaining({ port }))),
    );
  });

  test('send a socket each to one receiver', async () => {
    const { child, ask } = startPeer();
    // Both have a socket to give when the first receiver comes.
    const sending = [ask('send'), ask('sendWithCopy')];
    await ask('ping');
    const sockets = [await receiveSocket({ from: child }), await receiveSocket({ from: child })];
    for (const socket of sockets) onTestFinished(() => socket.close());
    const ports = sockets.map((socket) => socket.address().port);
    const sent = await Promise.all(sending);
    expect(sent).toMatchObject(
      expect.arrayContaining(ports.map((port) => ({ port, closed: true }))),
    );
  });
});

test('the messages of the application stay its own', async () => {
  const { child, ask, strangers } = startPeer();
  const listeners = () =>
    ['message', 'internalMessage', 'disconnect'].map((name) => child.listenerCount(name));
  const before = listeners();
  const { socket } = bound();
  const [received, ...replies] = await Promise.all([
    ask('receive'),
    ...Array.from({ length: 20 }, (_, i) => rejection(ask('close', 100 + i))),
    sendSocket(child, socket),
  ]);
  expect(received).toMatchObject({ index: 0 });
  expect(replies).toHaveLength(21);
  expect(strangers).toEqual([]);
  expect(listeners()).toEqual(before);
});

describe('what can’t be sent stays the sender’s', () => {
  test('when the other process ends', async () => {
    const { child, ask, exited } = startPeer();
    const { socket, port } = bound();
    const failed = rejection(sendSocket(child, socket));
    ask('exit').catch(() => {});
    expect(await failed).toMatchObject({ code: 'ERR_IPC_CHANNEL_CLOSED' });
    expect(socket.address().port).toBe(port);
    await exited;
    expect(await rejection(sendSocket(child, socket))).toMatchObject({
      code: 'ERR_IPC_CHANNEL_CLOSED',
    });
  });

  test(
    'when the other process dies with the socket on its way',
    unixOnly('stops a process'),
    async () => {
      const { child, ask } = startPeer();
      const { socket, port } = bound();
      const stopped = stopAtWish(child);
      ask('receive').catch(() => {});
      const failed = rejection(sendSocket(child, socket));
      await stopped;
      child.kill('SIGKILL');
      expect(await failed).toMatchObject({ code: 'ERR_IPC_CHANNEL_CLOSED' });
      expect(socket.address().port).toBe(port);
    },
  );

  test(
    'when the other process dies with a server of the application on its way',
    unixOnly('stops a process'),
    async () => {
      const { child, ask } = startPeer();
      await ask('ping');
      const server = createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      child.kill('SIGSTOP');
      child.send('yours', server);
      const { socket, port } = bound();
      const failed = rejection(sendSocket(child, socket));
      child.kill('SIGKILL');
      expect(await failed).toMatchObject({ code: 'ERR_IPC_CHANNEL_CLOSED' });
      expect(socket.address().port).toBe(port);
    },
  );

  test('when a parent dies with the socket on its way', unixOnly('stops a process'), async () => {
    const { exited } = startFixture('serving/orphan.cjs');
    const { signal, stdout } = await exited;
    expect({ signal, stdout }).toEqual({
      signal: 'SIGKILL',
      stdout: 'ERR_IPC_CHANNEL_CLOSED false\n',
    });
  });

  test('when the signal gives up, and it can be sent again', async () => {
    const { child, ask } = startPeer();
    const { socket, port } = bound();
    const aborter = new AbortController();
    const failed = rejection(sendSocket(child, socket, { signal: aborter.signal }));
    const reason = new Error('too late');
    aborter.abort(reason);
    expect(await failed).toBe(reason);
    expect(socket.address().port).toBe(port);
    const receiving = ask('receive');
    await sendSocket(child, socket);
    expect(await receiving).toMatchObject({ port });
  });

  test('when the receiver gives up: the next one has it', async () => {
    const { child, ask } = startPeer();
    const first = rejection(ask('receive'));
    await ask('abort');
    expect(await first).toMatchObject({ message: 'given up' });
    const { socket, port } = bound();
    const sending = sendSocket(child, socket);
    expect(await ask('receive')).toMatchObject({ port });
    await sending;
  });

  /** Its receiver gives up after it said that it waits, before the socket comes. */
  async function sendTooLate(signal?: AbortSignal) {
    const { child, ask } = startPeer();
    const { socket, port } = bound();
    const wish = keepBackWish(child);
    const sending = sendSocket(child, socket, signal ? { signal } : {});
    const receiving = rejection(ask('receive'));
    const letThrough = await wish;
    await ask('abort');
    expect(await receiving).toMatchObject({ message: 'given up' });
    letThrough();
    return { ask, socket, port, sending };
  }

  test('when the receiver gives up with the socket on its way: the next one has it alone', async () => {
    const { ask, port, sending } = await sendTooLate();
    expect(await ask('receive')).toMatchObject({ port });
    await sending;
    await ask('close', 0);
    // The first attempt left nothing open in that process.
    const next = new SocketHandle();
    onTestFinished(() => next.close());
    next.bind('127.0.0.1', port);
    expect(next.address().port).toBe(port);
  });

  test('when the signal gives up meanwhile, and the receiver as well', async () => {
    const aborter = new AbortController();
    const { socket, port, sending } = await sendTooLate(aborter.signal);
    const reason = new Error('too late');
    aborter.abort(reason);
    expect(await rejection(sending)).toBe(reason);
    expect(socket.address().port).toBe(port);
  });

  for (const [name, type] of [
    ['TCP', SOCK_STREAM],
    ['UDP', SOCK_DGRAM],
  ] as const) {
    test(`when the receiver has no free descriptor: ${name}`, unixOnly('ulimit'), async () => {
      const { child, ask } = startPeer({ openFiles: 64 });
      const { socket, port } = bound(AF_INET, type);
      const failed = rejection(ask('receive'));
      await ask('fillDescriptors');
      const refused = rejection(sendSocket(child, socket));
      expect(await refused).toMatchObject({ code: 'ERR_SOCKET_REFUSED' });
      expect(await failed).toMatchObject({ code: 'ERR_NO_DESCRIPTOR' });
      expect(socket.address().port).toBe(port);
      await ask('freeDescriptors');
      const [received] = await Promise.all([ask('receive'), sendSocket(child, socket)]);
      expect(received).toMatchObject({ port });
    });
  }

  test('a receiver that gave up does not keep its process', async () => {
    const { child, ask, exited } = startPeer();
    const receiving = rejection(ask('receive'));
    await ask('abort');
    await receiving;
    await ask('stopListening');
    expect(await exited).toMatchObject({ code: 0, signal: null });
    expect(child.exitCode).toBe(0);
  });

  test('and no descriptor is left over', unixOnly('counts descriptors in /dev/fd'), async () => {
    expect(await reportOf('serving/send-leaks.cjs')).toEqual({
      code: 'ERR_IPC_CHANNEL_CLOSED',
      diedWith: 'ERR_IPC_CHANNEL_CLOSED',
      sockets: 0,
    });
  });
});

describe('is refused', () => {
  test('a socket that is closed, adopted or being sent', async () => {
    const { child } = startPeer();
    const { socket: closed } = bound();
    closed.close();
    expect(await rejection(sendSocket(child, closed))).toMatchObject({
      code: 'ERR_SOCKET_HANDLE_CLOSED',
    });
    const { socket } = bound();
    const aborter = new AbortController();
    const first = rejection(sendSocket(child, socket, { signal: aborter.signal }));
    expect(await rejection(sendSocket(child, socket))).toMatchObject({
      code: 'ERR_SOCKET_HANDLE_SENDING',
    });
    aborter.abort();
    await first;
  });

  test('a Unix domain socket', unixOnly('Wine has no AF_UNIX sockets'), async () => {
    const { child } = startPeer();
    const socket = new SocketHandle(AF_UNIX);
    onTestFinished(() => socket.close());
    expect(await rejection(sendSocket(child, socket))).toMatchObject({
      code: 'ERR_SOCKET_BAD_TYPE',
    });
  });

  test.each([
    [[undefined, undefined], 'peer'],
    [[{}, undefined], 'peer'],
    [['child', undefined], 'peer'],
    [[Object.assign(new EventEmitter(), { connected: true, send() {} }), undefined], 'peer'],
    // Its `process` would be one.
    [[new Worker(), undefined], 'peer'],
  ])('%j: %s', async (args, name) => {
    const failed = Promise.resolve(callUnchecked(sendSocket, args));
    expect(await rejection(failed)).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
      message: expect.stringContaining(`"${name}"`),
    });
  });

  test('what is no socket, no options, no signal', async () => {
    const { child } = startPeer();
    const { socket } = bound();
    for (const [args, name] of [
      [[child, socket.fd], 'socket'],
      [[child, socket, null], 'options'],
      [[child, socket, { signal: 1 }], 'options.signal'],
    ] as const) {
      const failed = Promise.resolve(callUnchecked(sendSocket, args));
      expect(await rejection(failed)).toMatchObject({
        code: 'ERR_INVALID_ARG_TYPE',
        message: expect.stringContaining(`"${name}"`),
      });
    }
    expect(await rejection(Promise.resolve(callUnchecked(receiveSocket, [null])))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });

  test('a process without a channel', async () => {
    const script = `
      const { bindPort, receiveSocket, SocketHandle, sendSocket } = require('.');
      const socket = new SocketHandle();
      bindPort(socket);
      const results = [sendSocket(process, socket), receiveSocket()];
      Promise.allSettled(results).then((settled) => {
        console.log(settled.map(({ reason }) => reason.code).join(), socket.closed);
        socket.close();
      });`;
    const options = { cwd: root };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], options);
    expect(stdout.trim()).toBe('ERR_IPC_CHANNEL_CLOSED,ERR_IPC_CHANNEL_CLOSED false');
  });
});
