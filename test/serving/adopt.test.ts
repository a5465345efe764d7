import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  adopt,
  bindPort,
  constants,
  getOption,
  getsockopt,
  HOST,
  SocketHandle,
  setOption,
} from '../../src/index';
import { badIntegers, callUnchecked } from '../support/bad-values';
import { boundByNode, needsBoundSocket } from '../support/bound-socket';
import { isSocket, openSockets } from '../support/descriptors';
import { freePort } from '../support/free-port';
import { needsIpv6 } from '../support/network';
import { nodeDescriptor } from '../support/node-descriptor';
import { isWindows, linuxOnly, unixOnly } from '../support/platform';
import { leaveRemainder } from '../support/remainders';
import { portOf } from '../support/servers';
import { errnoOf, rejection, systemErrorLike, thrown } from '../support/thrown';

const { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM } = constants;

function socket(family: number = AF_INET, type: number = SOCK_STREAM): SocketHandle {
  const handle = new SocketHandle(family, type);
  onTestFinished(() => handle.close());
  return handle;
}

function boundSocket(family?: number, type?: number): SocketHandle {
  const handle = socket(family, type);
  bindPort(handle);
  return handle;
}

function server(): Server {
  const made = createServer((client) => client.end('served'));
  onTestFinished(() => {
    made.close();
  });
  return made;
}

function datagramSocket(type: 'udp4' | 'udp6' = 'udp4'): DatagramSocket {
  const made = createSocket(type);
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        try {
          made.close(() => resolve());
        } catch {
          // The test closed it.
          resolve();
        }
      }),
  );
  return made;
}

async function ask(port: number): Promise<unknown> {
  const client = connect(port, HOST).setEncoding('utf8');
  const [answer] = await once(client, 'data');
  client.destroy();
  return answer;
}

async function listening(): Promise<Server> {
  const made = server().listen(0, HOST);
  await once(made, 'listening');
  return made;
}

async function boundDatagramSocket(): Promise<DatagramSocket> {
  const made = datagramSocket().bind(0, HOST);
  await once(made, 'listening');
  return made;
}

describe('adopting', () => {
  test('resolves with the address once the server listens', async () => {
    const handle = socket();
    const port = bindPort(handle);
    const served = server();
    expect(await adopt(served, handle)).toEqual({ address: HOST, family: 'IPv4', port });
    expect(served.listening).toBe(true);
    expect(served.address()).toEqual({ address: HOST, family: 'IPv4', port });
    expect(await ask(port)).toBe('served');
  });

  test("the handle has given its descriptor away, and close() leaves the server's alone", async () => {
    const handle = socket();
    const port = bindPort(handle);
    await adopt(server(), handle);
    expect(handle.closed).toBe(true);
    expect(thrown(() => handle.fd)).toHaveProperty('code', 'ERR_SOCKET_HANDLE_ADOPTED');
    handle.close();
    expect(await ask(port)).toBe('served');
  });

  test('a bare descriptor', async () => {
    const handle = socket();
    const port = bindPort(handle);
    expect(await adopt(server(), handle.detach())).toMatchObject({ port });
    expect(await ask(port)).toBe('served');
  });

  test('the number of a bound UDP descriptor', async () => {
    const handle = socket(AF_INET, SOCK_DGRAM);
    const port = bindPort(handle);
    const adopted = datagramSocket();
    expect(await adopt(adopted, handle.detach())).toMatchObject({ port });
    expect(adopted.address()).toMatchObject({ address: HOST, port });
  });

  describe('a net.BoundSocket', needsBoundSocket, () => {
    test('serves its port, and is given away', async () => {
      const bound = boundByNode({ host: HOST, port: 0 });
      const address = bound.address();
      const served = server();
      expect(await adopt(served, bound)).toEqual(address);
      expect(thrown(() => bound.address())).toHaveProperty('code', 'ERR_SOCKET_HANDLE_ADOPTED');
      expect(await ask(portOf(served))).toBe('served');
    });

    test(
      "stays its owner's when it can't listen",
      unixOnly('its fd() is -1 on Windows'),
      async () => {
        const bound = boundByNode({ host: HOST, port: 0 });
        const { port } = Object.assign({ port: 0 }, bound.address());
        const holder = socket();
        // Shares the port, since both have SO_REUSEADDR, and listens first.
        setOption(holder, 'SO_REUSEADDR', true);
        holder.bind(HOST, port);
        holder.listen();
        const error = await rejection(adopt(server(), bound));
        expect(error).toMatchObject(systemErrorLike('listen', 'EADDRINUSE'));
        expect(getOption(bound, 'SO_ACCEPTCONN')).toBe(false);
        holder.close();
        await adopt(server(), bound);
      },
    );

    test('is refused twice, and by a dgram socket', async () => {
      const bound = boundByNode({ host: HOST, port: 0 });
      expect(await rejection(adopt(datagramSocket(), bound))).toHaveProperty(
        'code',
        'ERR_SOCKET_BAD_TYPE',
      );
      await adopt(server(), bound);
      expect(await rejection(adopt(server(), bound))).toHaveProperty(
        'code',
        'ERR_SOCKET_HANDLE_ADOPTED',
      );
    });
  });

  test('connections that wait since handle.listen() are served', async () => {
    const handle = socket();
    const port = bindPort(handle);
    handle.listen();
    const clients = Array.from({ length: 3 }, () => connect(port, HOST).setEncoding('utf8'));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    const answers = clients.map((client) => once(client, 'data'));
    await adopt(server(), handle);
    expect(await Promise.all(answers)).toEqual([['served'], ['served'], ['served']]);
    for (const client of clients) client.destroy();
  });

  test('a socket on the wildcard address', async () => {
    const handle = socket();
    const port = bindPort(handle, '');
    expect(await adopt(server(), handle)).toEqual({ address: '0.0.0.0', family: 'IPv4', port });
    expect(await ask(port)).toBe('served');
  });

  test('with a backlog', async () => {
    const handle = socket();
    const port = bindPort(handle);
    await adopt(server(), handle, { backlog: 1 });
    expect(await ask(port)).toBe('served');
  });

  test.each([0, 1, 7, undefined])(
    'with a backlog of %s',
    linuxOnly('TCP_INFO'),
    async (backlog) => {
      const handle = boundSocket();
      const { fd } = handle;
      await adopt(server(), handle, backlog === undefined ? {} : { backlog });
      // struct tcp_info's tcpi_sacked: of a listening socket the backlog (tcp_get_info).
      const info = getsockopt(fd, constants.IPPROTO_TCP, constants.TCP_INFO ?? 0, 32);
      const [set] = new Uint32Array(Uint8Array.from(info).buffer, 28);
      const most = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
      expect(set).toBe(Math.min(backlog ?? 511, most));
    },
  );

  test('a server that was closed before serves again', async () => {
    const served = await listening();
    served.close();
    await once(served, 'close');
    const handle = socket();
    const port = bindPort(handle);
    await adopt(served, handle);
    expect(await ask(port)).toBe('served');
  });

  test('a server that is still closing serves again', async () => {
    const served = await listening();
    served.close();
    const handle = socket();
    const port = bindPort(handle);
    expect(await adopt(served, handle)).toMatchObject({ port });
    expect(await ask(port)).toBe('served');
  });

  test('close() frees descriptor and port', async () => {
    const handle = socket();
    const port = freePort();
    handle.bind(HOST, port);
    const { fd } = handle;
    const served = server();
    await adopt(served, handle);
    served.close();
    await once(served, 'close');
    if (!isWindows) expect(isSocket(fd)).toBe(false);
    const next = socket();
    next.bind(HOST, port);
    expect(next.address().port).toBe(port);
  });

  test('closing the server before it listens rejects and frees the port', async () => {
    const handle = socket();
    const port = freePort();
    handle.bind(HOST, port);
    const served = createServer();
    const adopting = rejection(adopt(served, handle));
    served.close();
    expect(await adopting).toHaveProperty('code', 'ERR_SERVER_NOT_RUNNING');
    const next = socket();
    next.bind(HOST, port);
    expect(next.address().port).toBe(port);
  });

  test('leaves no listeners on the server', async () => {
    const served = server();
    const names = ['listening', 'error', 'close'];
    const before = names.map((name) => served.listenerCount(name));
    await adopt(served, boundSocket());
    expect(names.map((name) => served.listenerCount(name))).toEqual(before);
  });
});

describe('with restartable', () => {
  const restartable = true;

  test('the server has SO_REUSEADDR once it listens, and no connection keeps the next one out', async () => {
    const port = await leaveRemainder(async (served) => {
      const handle = socket();
      bindPort(handle);
      const address = await adopt(served, handle, { restartable });
      // On Windows the option would let others in, and TIME_WAIT needs none.
      expect(getOption(served, 'SO_REUSEADDR')).toBe(!isWindows);
      return address;
    });
    const next = server().listen(port, HOST);
    await once(next, 'listening');
  });

  test('a net.BoundSocket gets it, too', needsBoundSocket, async () => {
    const served = server();
    await adopt(served, boundByNode({ host: HOST }), { restartable });
    expect(getOption(served, 'SO_REUSEADDR')).toBe(!isWindows);
  });

  test('left out, the options stay as they were', async () => {
    for (const options of [{}, { restartable: false }]) {
      const handle = socket();
      bindPort(handle);
      const served = server();
      await adopt(served, handle, options);
      expect(getOption(served, 'SO_REUSEADDR')).toBe(false);
    }
  });

  test('a refusal leaves the options as they were', async () => {
    const handle = boundSocket();
    const served = await listening();
    await rejection(adopt(served, handle, { restartable }));
    expect(handle.getOption('SO_REUSEADDR')).toBe(false);
  });

  test('a dgram socket is refused: the option would give its port away', async () => {
    const handle = boundSocket(AF_INET, SOCK_DGRAM);
    const error = await rejection(adopt(datagramSocket(), handle, { restartable }));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain('options.restartable');
    expect(handle.bound).toBe(true);
  });

  test.each([1, 'yes', null])('%s is no boolean', async (value) => {
    const handle = boundSocket();
    const error = await rejection(
      Promise.resolve(callUnchecked(adopt, [server(), handle, { restartable: value }])),
    );
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toMatch('The "options.restartable" argument must be of type boolean');
    expect(handle.bound).toBe(true);
  });
});

describe("a refusal leaves the descriptor open, its owner's, and on its port", () => {
  interface Case {
    what: string;
    code: string;
    server: () => Server | DatagramSocket | Promise<Server | DatagramSocket>;
    handle: () => SocketHandle;
    ipv6?: boolean;
  }
  const cases: Case[] = [
    {
      what: 'an unbound TCP socket',
      code: 'ERR_SOCKET_NOT_BOUND',
      server,
      handle: socket,
    },
    {
      what: 'an unbound UDP socket',
      code: 'ERR_SOCKET_NOT_BOUND',
      server: datagramSocket,
      handle: () => socket(AF_INET, SOCK_DGRAM),
    },
    {
      what: 'a UDP socket for a server',
      code: 'ERR_SOCKET_BAD_TYPE',
      server,
      handle: () => boundSocket(AF_INET, SOCK_DGRAM),
    },
    {
      what: 'a UDP socket for an http server',
      code: 'ERR_SOCKET_BAD_TYPE',
      server: () => createHttpServer(),
      handle: () => boundSocket(AF_INET, SOCK_DGRAM),
    },
    {
      what: 'a TCP socket for a dgram socket',
      code: 'ERR_SOCKET_BAD_TYPE',
      server: datagramSocket,
      handle: boundSocket,
    },
    {
      what: 'an IPv4 socket for a udp6 dgram socket',
      code: 'ERR_SOCKET_BAD_TYPE',
      server: () => datagramSocket('udp6'),
      handle: () => boundSocket(AF_INET, SOCK_DGRAM),
    },
    {
      what: 'an IPv6 socket for a udp4 dgram socket',
      code: 'ERR_SOCKET_BAD_TYPE',
      server: datagramSocket,
      handle: () => boundSocket(AF_INET6, SOCK_DGRAM),
      ipv6: true,
    },
    {
      what: 'a server that listens already',
      code: 'ERR_SERVER_ALREADY_LISTEN',
      server: listening,
      handle: boundSocket,
    },
    {
      what: 'a dgram socket that is bound already',
      code: 'ERR_SOCKET_ALREADY_BOUND',
      server: boundDatagramSocket,
      handle: () => boundSocket(AF_INET, SOCK_DGRAM),
    },
    {
      what: 'a dgram socket that is closed',
      code: 'ERR_SOCKET_DGRAM_NOT_RUNNING',
      server: () => createSocket('udp4').close(),
      handle: () => boundSocket(AF_INET, SOCK_DGRAM),
    },
    {
      what: 'a dgram socket that is being bound',
      code: 'ERR_SOCKET_ALREADY_BOUND',
      server: () => datagramSocket().bind(0, HOST),
      handle: () => boundSocket(AF_INET, SOCK_DGRAM),
    },
  ];

  function state(fd: number) {
    const handle = SocketHandle.from(fd);
    try {
      return { bound: handle.bound, address: handle.bound && handle.address() };
    } finally {
      handle.detach();
    }
  }

  describe.each(cases)('$what', ({ code, server, handle, ipv6 }) => {
    const options = ipv6 ? needsIpv6 : {};

    test('as a SocketHandle', options, async () => {
      const given = handle();
      const { fd } = given;
      const before = { bound: given.bound, address: given.bound && given.address() };
      expect(await rejection(adopt(await server(), given))).toHaveProperty('code', code);
      expect(given.closed).toBe(false);
      expect(given.fd).toBe(fd);
      expect({ bound: given.bound, address: given.bound && given.address() }).toEqual(before);
      given.close();
      expect(given.closed).toBe(true);
    });

    test('as a bare descriptor', options, async () => {
      const fd = handle().detach();
      onTestFinished(() => SocketHandle.from(fd).close());
      const before = state(fd);
      expect(await rejection(adopt(await server(), fd))).toHaveProperty('code', code);
      expect(state(fd)).toEqual(before);
    });
  });

  test(
    'a port where another socket listens',
    unixOnly('SO_REUSEADDR shares it there'),
    async () => {
      const [first, second] = [socket(), socket()];
      for (const handle of [first, second]) handle.setOption('SO_REUSEADDR', true);
      first.bind();
      const { port } = first.address();
      second.bind(HOST, port);
      first.listen();
      const error = await rejection(adopt(server(), second));
      expect(error.message).toBe(`listen EADDRINUSE ${HOST}:${port}`);
      expect(error).toMatchObject({
        code: 'EADDRINUSE',
        errno: errnoOf('EADDRINUSE'),
        syscall: 'listen',
        address: HOST,
        port,
      });
      expect(second.closed).toBe(false);
      expect(second.address().port).toBe(port);
    },
  );

  test('a descriptor that a server has', async () => {
    const owner = await listening();
    const fd = nodeDescriptor(owner);
    const { port } = (() => {
      const handle = SocketHandle.from(fd);
      const address = handle.address();
      handle.detach();
      return address;
    })();
    const error = await rejection(adopt(server(), fd));
    expect(error).toMatchObject({ code: 'EEXIST', errno: errnoOf('EEXIST'), syscall: 'open' });
    await new Promise(setImmediate);
    expect(await ask(port)).toBe('served');
  });

  test(
    'a UDP descriptor that a dgram socket has, which receives as before',
    unixOnly('adopt-ownership.test.ts has it there'),
    async () => {
      const owner = await boundDatagramSocket();
      const error = await rejection(adopt(datagramSocket(), nodeDescriptor(owner)));
      expect(error).toMatchObject({ code: 'EEXIST', syscall: 'open' });
      const received = once(owner, 'message');
      datagramSocket().send('ping', owner.address().port, HOST);
      expect(String((await received)[0])).toBe('ping');
    },
  );

  test('a closed handle', async () => {
    const handle = boundSocket();
    handle.close();
    const served = server();
    expect(await rejection(adopt(served, handle))).toHaveProperty(
      'code',
      'ERR_SOCKET_HANDLE_CLOSED',
    );
    expect(served.listening).toBe(false);
  });

  test('a handle that was adopted already', async () => {
    const handle = socket();
    const port = bindPort(handle);
    await adopt(server(), handle);
    const second = server();
    expect(await rejection(adopt(second, handle))).toHaveProperty(
      'code',
      'ERR_SOCKET_HANDLE_ADOPTED',
    );
    expect(second.listening).toBe(false);
    expect(await ask(port)).toBe('served');
  });

  test('two servers at once: the first has it', async () => {
    const handle = socket();
    const port = bindPort(handle);
    const [first, second] = [server(), server()];
    const results = await Promise.allSettled([adopt(first, handle), adopt(second, handle)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect([first.listening, second.listening]).toEqual([true, false]);
    expect(await ask(port)).toBe('served');
  });

  test('two sockets at once for one server: it has the first', async () => {
    const [first, second] = [boundSocket(), boundSocket()];
    const { port } = first.address();
    const served = server();
    const [one, two] = await Promise.allSettled([adopt(served, first), adopt(served, second)]);
    expect(one).toMatchObject({ status: 'fulfilled', value: { port } });
    expect(two).toMatchObject({
      status: 'rejected',
      reason: { code: 'ERR_SERVER_ALREADY_LISTEN' },
    });
    expect(second.closed).toBe(false);
    expect(second.bound).toBe(true);
  });

  test('a descriptor of a SocketHandle, given by number', async () => {
    const handle = boundSocket();
    expect(await rejection(adopt(server(), handle.fd))).toHaveProperty(
      'code',
      'ERR_SOCKET_HANDLE_OWNED',
    );
    expect(handle.bound).toBe(true);
  });

  test('as many descriptors are open as before', unixOnly('/dev/fd'), async () => {
    const [unbound, udp, tcp] = [socket(), boundSocket(AF_INET, SOCK_DGRAM), boundSocket()];
    const [net, datagram] = [server(), datagramSocket()];
    // The first adoption finds the classes of Node's handles with sockets of its own.
    thrown(() => unbound.transfer());
    await rejection(adopt(net, unbound));
    await new Promise(setImmediate);
    const before = openSockets();
    for (const refused of [
      adopt(net, unbound),
      adopt(net, udp),
      adopt(datagram, tcp),
      adopt(datagram, tcp.fd),
    ]) {
      await rejection(refused);
    }
    expect(openSockets()).toEqual(before);
  });
});

describe('bad arguments reject', () => {
  const expectType = (error: Error, name: string) => {
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toHaveProperty('code', 'ERR_INVALID_ARG_TYPE');
    expect(error.message).toMatch(`The "${name}" argument must be`);
  };
  const adoptUnchecked = (...args: unknown[]): Promise<unknown> => {
    const result = callUnchecked(adopt, args);
    // Not by throwing.
    expect(result).toBeInstanceOf(Promise);
    return Promise.resolve(result);
  };

  test.each([undefined, null, 'server', 3, {}, [], Symbol('server'), connect])(
    'the server %s',
    async (value) => {
      const handle = boundSocket();
      expectType(await rejection(adoptUnchecked(value, handle)), 'server');
      expect(handle.bound).toBe(true);
    },
  );

  test.each([
    { value: { listen() {}, close() {}, listening: false }, type: SOCK_STREAM },
    { value: { bind() {}, send() {}, addMembership() {} }, type: SOCK_DGRAM },
  ])('what emits nothing: $value', async ({ value, type }) => {
    const handle = boundSocket(AF_INET, type);
    expectType(await rejection(adoptUnchecked(value, handle)), 'server');
    expect(handle.bound).toBe(true);
  });

  test('a SocketHandle for a server', async () => {
    const handle = boundSocket();
    expectType(await rejection(adoptUnchecked(handle, handle)), 'server');
  });

  test.each([undefined, null, '3', 3n, {}, Symbol('socket')])('the socket %s', async (value) => {
    expectType(await rejection(adoptUnchecked(server(), value)), 'socket');
  });

  test.each([-1, 1.5, Number.NaN, Infinity, 2 ** 53])('the descriptor %s', async (value) => {
    const error = await rejection(adoptUnchecked(server(), value));
    expect(error).toHaveProperty('code', 'ERR_OUT_OF_RANGE');
    expect(error.message).toContain(`Received ${value}`);
  });

  test.each([null, 5, 'backlog'])('the options %s', async (value) => {
    const handle = boundSocket();
    expectType(await rejection(adoptUnchecked(server(), handle, value)), 'options');
    expect(handle.bound).toBe(true);
  });

  test.each(badIntegers(0, 2 ** 31 - 1, 'optional'))('the backlog $shown', async (bad) => {
    const handle = boundSocket();
    const error = await rejection(adoptUnchecked(server(), handle, { backlog: bad.value }));
    expect(error).toHaveProperty('code', bad.code);
    expect(error.message).toContain('"backlog"');
    expect(error.message).toContain(`Received ${bad.shown}`);
    expect(handle.bound).toBe(true);
    expect(getOption(handle, 'SO_ACCEPTCONN')).toBe(false);
  });
});
