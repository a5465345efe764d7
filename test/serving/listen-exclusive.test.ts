import { once } from 'node:events';
import { createServer as createHttpServer, get } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../src/base/binding';
import { listsBoundSockets } from '../../src/base/platform';
import {
  adopt,
  bindPort,
  constants,
  getOption,
  type ListenExclusiveOptions,
  listenExclusive,
  type OptionName,
  reservePort,
  SocketHandle,
} from '../../src/index';
import { badIntegers, callUnchecked } from '../support/bad-values';
import { reportOf } from '../support/child';
import { microsoftCells } from '../support/conflict-table';
import { freePort } from '../support/free-port';
import { startHolder } from '../support/holder';
import { foreignIpv4, needsIpv6 } from '../support/network';
import {
  isLinux,
  isWindows,
  isWine,
  linuxOnly,
  notInWine,
  runWhen,
  unixOnly,
  windowsOnly,
} from '../support/platform';
import { connected, leaveRemainder } from '../support/remainders';
import { errnoOf, rejection } from '../support/thrown';

const { AF_INET6 } = constants;

interface Attempt {
  names: string;
  host: string;
  /** 'in', or the call that failed and its code. */
  let: string;
  /** Who answered on the first of the hosts: 'owner' or 'thief'. */
  answer?: string;
}

function isAttempt(value: unknown): value is Attempt {
  return typeof value === 'object' && value !== null && 'names' in value && 'let' in value;
}

/** Wine binds with its host's calls, and Linux lets nobody bind beside a socket that listens. */
const onWindowsItself = isWine
  ? notInWine('its host refuses a bind beside a listening socket')
  : windowsOnly('Unix refuses');

const tellsAll = runWhen(isLinux && listsBoundSockets, 'Linux 6.8 lists what is bound');

const ways = isWindows ? 3 : 4;

/** What another process gets that binds the port with every combination of options. */
async function steal(port: number, ...hosts: string[]): Promise<Attempt[]> {
  const attempts = await reportOf('serving/listen-thief.cjs', { args: [String(port), ...hosts] });
  if (!Array.isArray(attempts) || !attempts.every(isAttempt)) throw new Error('no report');
  if (attempts.length !== ways * hosts.length) throw new Error('attempts are missing');
  return attempts;
}

const isWildcard = (host: string) => host === '0.0.0.0' || host === '::';

/** Whether the thief is let in beside an exclusive server: on Windows the wildcard beside an address. */
function isLetInBeside(ours: string, { names, host }: Attempt): boolean {
  if (!isWindows || isWine || isWildcard(ours)) return false;
  const second = `${names || 'default'}, ${isWildcard(host) ? 'wildcard' : 'specific'}`;
  const cell = microsoftCells.find(
    (one) => one.first === 'SO_EXCLUSIVEADDRUSE, specific' && one.second === second,
  );
  return cell?.microsoft === 'Success';
}

const refused = isWindows ? /^bind (EADDRINUSE|EACCES)$/ : /^bind EADDRINUSE$/;

/** Nobody shares our address; whoever may have another one beside it gets none of our connections. */
function expectNothingStolen(ours: string, attempts: Attempt[]): void {
  for (const attempt of attempts) {
    expect(attempt).toEqual({
      ...attempt,
      ...(isLetInBeside(ours, attempt)
        ? { let: 'in', answer: 'owner' }
        : { let: expect.stringMatching(refused) }),
    });
  }
}

function owner(): Server {
  const server = createServer((client) => client.end('owner'));
  onTestFinished(() => {
    server.close();
  });
  return server;
}

async function listening(options?: ListenExclusiveOptions) {
  const server = owner();
  return { server, ...(await listenExclusive(server, options)) };
}

async function answerOf(port: number, host: string): Promise<string> {
  return text(connect(port, host));
}

describe('a thief process is refused', () => {
  test.each(['127.0.0.1', '0.0.0.0'])('by listenExclusive on %s', async (host) => {
    const { port } = await listening({ host });
    expectNothingStolen(host, await steal(port, '127.0.0.1', '0.0.0.0'));
  });

  test('by listenExclusive on all addresses, of IPv4 and IPv6', needsIpv6, async () => {
    const { port, address } = await listening();
    expect(address).toBe('::');
    expectNothingStolen('::', await steal(port, '127.0.0.1', '0.0.0.0', '::1', '::'));
  });

  test('by listenExclusive on ::1', needsIpv6, async () => {
    const { port } = await listening({ host: '::1' });
    expectNothingStolen('::1', await steal(port, '::1'));
  });

  test.each(['127.0.0.1', ''])('by bindPort on %j, once a server has it', async (host) => {
    const socket = new SocketHandle();
    const port = bindPort(socket, host);
    await adopt(owner(), socket);
    expectNothingStolen(host || '0.0.0.0', await steal(port, '127.0.0.1', '0.0.0.0'));
  });

  test.each(['127.0.0.1', ''])('by bindPort on %j, before it listens', async (host) => {
    const socket = new SocketHandle();
    onTestFinished(() => socket.close());
    const port = bindPort(socket, host);
    // On Windows the wildcard may be had beside 127.0.0.1, where nobody answers yet.
    const hosts = host === '' || !isWindows ? ['127.0.0.1', '0.0.0.0'] : ['127.0.0.1'];
    expectNothingStolen(host || '0.0.0.0', await steal(port, ...hosts));
  });

  test.each(['127.0.0.1', '0.0.0.0'])(
    'between the bind and the listen of listenExclusive on %s',
    async (host) => {
      const options: OptionName[] = isWindows
        ? ['SO_REUSEADDR', 'SO_EXCLUSIVEADDRUSE']
        : ['SO_REUSEADDR', 'SO_REUSEPORT'];
      const attempts: string[] = [];
      const { listen } = SocketHandle.prototype;
      const spy = vi.spyOn(SocketHandle.prototype, 'listen').mockImplementation(function (
        this: SocketHandle,
        backlog,
      ) {
        const { port } = this.address();
        for (const names of [[], ...options.map((name) => [name])]) {
          using thief = new SocketHandle();
          for (const name of names) callUnchecked(thief.setOption, [name, true], thief);
          try {
            thief.bind('127.0.0.1', port);
            attempts.push(`${names}: let in`);
          } catch (error) {
            attempts.push(error instanceof Error ? (error.message.split(' ')[1] ?? '') : '');
          }
        }
        listen.call(this, backlog);
      });
      onTestFinished(() => spy.mockRestore());
      await listening({ host });
      expect(new Set(attempts)).toEqual(
        new Set(
          isWindows ? attempts.filter((code) => /^E(ACCES|ADDRINUSE)$/.test(code)) : ['EADDRINUSE'],
        ),
      );
      expect(attempts.length).toBeGreaterThanOrEqual(3);
    },
  );
});

describe('a thief process is let in, so that these tests can fail,', () => {
  /** A socket that is bound and not exclusive: Wine's host lets nobody in beside one that listens. */
  function unguarded(option: OptionName | undefined, host: string): number {
    const socket = new SocketHandle();
    onTestFinished(() => socket.close());
    if (option) callUnchecked(socket.setOption, [option, true], socket);
    socket.bind(host);
    return socket.address().port;
  }

  test('where both set SO_REUSEADDR', windowsOnly('on Unix it lets nobody in'), async () => {
    const attempts = await steal(unguarded('SO_REUSEADDR', '127.0.0.1'), '127.0.0.1', '0.0.0.0');
    expect(attempts.filter(({ names }) => names === 'SO_REUSEADDR')).toMatchObject([
      { host: '127.0.0.1', let: 'in', answer: 'thief' },
      { host: '0.0.0.0', let: 'in', answer: 'thief' },
    ]);
  });

  test('by a socket as Node makes it, on all addresses', windowsOnly('Unix refuses'), async () => {
    const attempts = await steal(unguarded(undefined, '0.0.0.0'), '127.0.0.1');
    expect(attempts).toMatchObject([
      { names: '', let: 'in', answer: 'thief' },
      { names: 'SO_REUSEADDR', let: 'in', answer: 'thief' },
      { names: 'SO_EXCLUSIVEADDRUSE', let: 'in', answer: 'thief' },
    ]);
  });

  test("by Node's own server, whose connections it takes", onWindowsItself, async () => {
    const server = owner().listen(0, '0.0.0.0');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    for (const attempt of await steal(port, '127.0.0.1'))
      expect(attempt).toMatchObject({ let: 'in', answer: 'thief' });
  });

  test('where both set SO_REUSEPORT', linuxOnly('Windows has none'), async () => {
    const socket = new SocketHandle();
    socket.setOption('SO_REUSEPORT', true);
    socket.bind();
    const { port } = await adopt(owner(), socket);
    const attempts = await steal(port, '127.0.0.1');
    expect(attempts.filter(({ let: result }) => result === 'in').map(({ names }) => names)).toEqual(
      ['SO_REUSEPORT', 'SO_REUSEADDR,SO_REUSEPORT'],
    );
  });
});

describe('the server', () => {
  test('serves http on the address that is told', async () => {
    const server = createHttpServer((_request, response) => response.end('served'));
    const address = await listenExclusive(server, { host: '127.0.0.1' });
    expect(server.address()).toEqual(address);
    const [response] = await once(
      get({ ...address, host: address.address, agent: false, family: 4 }),
      'response',
    );
    expect(await text(response)).toBe('served');
    server.close();
    await once(server, 'close');
  });

  test('has the options that keep it exclusive', async () => {
    const { server } = await listening({ host: '127.0.0.1' });
    if (isWindows) expect(getOption(server, 'SO_EXCLUSIVEADDRUSE')).toBe(true);
    else expect(getOption(server, 'SO_REUSEPORT')).toBe(false);
    // On Unix for the restart through TIME_WAIT; a listening socket lets nobody in by it.
    expect(getOption(server, 'SO_REUSEADDR')).toBe(!isWindows);
  });

  test('answers on IPv4 and IPv6 by default', needsIpv6, async () => {
    const { port } = await listening();
    expect(await answerOf(port, '127.0.0.1')).toBe('owner');
    expect(await answerOf(port, '::1')).toBe('owner');
  });

  test('answers on IPv6 alone with ipv6Only', needsIpv6, async () => {
    const { port } = await listening({ port: freePort(), ipv6Only: true });
    expect(await answerOf(port, '::1')).toBe('owner');
    const other = new SocketHandle();
    onTestFinished(() => other.close());
    other.bind('127.0.0.1', port);
    expect(other.address().port).toBe(port);
  });

  describe('without IPv6', () => {
    function withoutIpv6(): void {
      const { socket } = binding;
      const refusal = errnoOf('EAFNOSUPPORT');
      const spy = vi
        .spyOn(binding, 'socket')
        .mockImplementation((family, ...rest) =>
          family === AF_INET6 ? refusal : socket(family, ...rest),
        );
      onTestFinished(() => spy.mockRestore());
    }

    test('answers on IPv4', async () => {
      withoutIpv6();
      expect(await listening()).toMatchObject({ address: '0.0.0.0', family: 'IPv4' });
    });

    test('is refused with ipv6Only', async () => {
      withoutIpv6();
      expect(await rejection(listenExclusive(owner(), { ipv6Only: true }))).toMatchObject({
        code: 'EAFNOSUPPORT',
        syscall: 'socket',
      });
    });
  });

  test('takes a port of the caller’s choice, "localhost" and a backlog', async () => {
    const { server, port } = await listening({ host: 'localhost', port: freePort() });
    server.close();
    await once(server, 'close');
    const again = await listening({ host: 'localhost', port, backlog: 1 });
    expect(again).toMatchObject({ address: '127.0.0.1', family: 'IPv4', port });
  });
});

/** A port whose server closed a connection first, so that TIME_WAIT is on its side. */
async function leaveTimeWait(): Promise<number> {
  const { server, port } = await listening({ host: '127.0.0.1', port: freePort() });
  expect(await answerOf(port, '127.0.0.1')).toBe('owner');
  server.close();
  await once(server, 'close');
  return port;
}

describe('starting again', () => {
  test(
    'works at once, through TIME_WAIT',
    unixOnly('docs/windows.md: it has to wait'),
    async () => {
      const port = await leaveTimeWait();
      if (isLinux) {
        // The test can fail: without SO_REUSEADDR the port is not free.
        const plain = new SocketHandle();
        onTestFinished(() => plain.close());
        expect(() => plain.bind('127.0.0.1', port)).toThrow('EADDRINUSE');
      }
      const { server } = await listening({ host: '127.0.0.1', port });
      expect(await answerOf(port, '127.0.0.1')).toBe('owner');
      expectNothingStolen('127.0.0.1', await steal(port, '127.0.0.1', '0.0.0.0'));
      server.close();
      await once(server, 'close');
      // And again: the option is inherited by the connections of the second server, too.
      expect(await listening({ host: '127.0.0.1', port })).toMatchObject({ port });
    },
  );

  describe('through TIME_WAIT, when SO_REUSEADDR lets a thief bind before it listens,', () => {
    const { listen } = SocketHandle.prototype;

    /** Runs `steal` with a thief that is bound to the port, between the bind and the listen. */
    async function startBeside(port: number, steal: (thief: SocketHandle) => void) {
      const thief = new SocketHandle();
      onTestFinished(() => thief.close());
      thief.setOption('SO_REUSEADDR', true);
      const listened: SocketHandle[] = [];
      const spy = vi.spyOn(SocketHandle.prototype, 'listen').mockImplementation(function (
        this: SocketHandle,
        backlog,
      ) {
        spy.mockRestore();
        listened.push(this);
        thief.bind('0.0.0.0', port);
        steal(thief);
        listen.call(this, backlog);
      });
      onTestFinished(() => spy.mockRestore());
      const server = owner();
      const starting = listenExclusive(server, { host: '127.0.0.1', port });
      return { server, thief, listened, starting };
    }

    test('the thief cannot listen', linuxOnly("Linux's rules"), async () => {
      const port = await leaveTimeWait();
      const { starting, thief } = await startBeside(port, () => {});
      await starting;
      expect(() => thief.listen()).toThrow('listen EADDRINUSE');
      expect(await answerOf(port, '127.0.0.1')).toBe('owner');
    });

    test('and listen, it is refused', linuxOnly("Linux's rules"), async () => {
      const port = await leaveTimeWait();
      const { server, listened, starting } = await startBeside(port, (thief) => thief.listen());
      expect(await rejection(starting)).toMatchObject({
        code: 'EADDRINUSE',
        syscall: 'listen',
        address: '127.0.0.1',
        port,
      });
      expect(server.listening).toBe(false);
      expect(listened.map(({ closed }) => closed)).toEqual([true]);
    });
  });

  test('works where nobody can tell who has the port', linuxOnly("Linux's sock_diag"), async () => {
    const port = await leaveTimeWait();
    const spy = vi.spyOn(binding, 'socketDiag').mockReturnValue(errnoOf('EACCES'));
    onTestFinished(() => spy.mockRestore());
    expect(await listening({ host: '127.0.0.1', port })).toMatchObject({ port });
  });

  describe('is EADDRINUSE that names the holder,', tellsAll, () => {
    const refusal = async (port: number, host = '127.0.0.1') => {
      const error = await rejection(listenExclusive(owner(), { host, port }));
      expect(error).toMatchObject({ code: 'EADDRINUSE', syscall: 'bind', address: host, port });
      return error.message;
    };

    test.each([
      ['which is bound with SO_REUSEADDR', 'has bound'],
      ['which listens', 'listens on'],
    ])('%s', async (_, does) => {
      const port = await leaveTimeWait();
      const socket = new SocketHandle();
      onTestFinished(() => socket.close());
      socket.setOption('SO_REUSEADDR', true);
      socket.bind('127.0.0.1', port);
      if (does === 'listens on') socket.listen();
      const message = await refusal(port);
      expect(message).toMatch(`bind EADDRINUSE 127.0.0.1:${port}: process ${process.pid} (`);
      expect(message).toMatch(new RegExp(`\\(.*node.*\\) ${does} 127\\.0\\.0\\.1:${port}$`));
      // Another address is another matter.
      expect(await listening({ host: '127.0.0.2', port })).toMatchObject({ port });
    });

    test('a program', async () => {
      const { port, pid } = await startHolder();
      expect(await refusal(port)).toMatch(
        new RegExp(`: process ${pid} \\(.*holder\\.py\\) listens on 127\\.0\\.0\\.1:${port}$`),
      );
    });

    test('a reservation that is shared', async () => {
      using reservation = reservePort();
      reservation.share();
      expect(await refusal(reservation.port)).toContain(`process ${process.pid} (`);
    });

    test('a connection that is open', async () => {
      const { server, port } = await connected((server) =>
        listenExclusive(server, { host: '127.0.0.1', port: freePort() }),
      );
      server.close();
      expect(await refusal(port)).toContain('has a connection from');
    });

    test('or tells how long connections that have ended keep the port', async () => {
      const port = await leaveRemainder((server) => {
        const socket = new SocketHandle();
        bindPort(socket);
        return adopt(server, socket);
      });
      expect(await refusal(port)).toMatch(
        /: connections that have ended keep it for another \d+ s$/,
      );
    });

    test('on :: with ipv6Only not one of IPv4', needsIpv6, async () => {
      const port = await leaveRemainder(
        (server) => listenExclusive(server, { host: '::1', port: freePort() }),
        'TIME_WAIT',
        '::1',
      );
      const socket = new SocketHandle();
      onTestFinished(() => socket.close());
      socket.bind('127.0.0.1', port);
      expect(await listening({ host: '::', port, ipv6Only: true })).toMatchObject({ port });
      expect(await refusal(port)).toContain(`has bound 127.0.0.1:${port}`);
    });
  });

  test('is EADDRINUSE while another server listens', async () => {
    for (const hold of [
      (server: Server) => listenExclusive(server, { host: '127.0.0.1' }),
      async (server: Server) => {
        await once(server.listen(0, '127.0.0.1'), 'listening');
        return server.address();
      },
    ]) {
      const address = await hold(owner());
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      const server = owner();
      const error = await rejection(listenExclusive(server, { host: '127.0.0.1', port }));
      expect(error).toMatchObject({
        code: 'EADDRINUSE',
        syscall: 'bind',
        address: '127.0.0.1',
        port,
      });
      expect(server.listening).toBe(false);
      // Nothing of the failure stays: the same server can listen elsewhere.
      expect(await listenExclusive(server, { host: '127.0.0.1' })).toMatchObject({
        family: 'IPv4',
      });
    }
  });
});

describe('is refused', () => {
  test.each([
    [{ host: 'example.org' }, 'host'],
    [{ host: 1 }, 'options.host'],
    [{ host: '127.0.0.1\0' }, 'host'],
    [{ ipv6Only: 1 }, 'options.ipv6Only'],
    [null, 'options'],
    ['127.0.0.1', 'options'],
  ])('%j', async (options, name) => {
    const server = owner();
    const error = await rejection(
      Promise.resolve(callUnchecked(listenExclusive, [server, options])),
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(name);
    expect(server.listening).toBe(false);
  });

  test.each(badIntegers(0, 65535, 'optional'))(
    'the port $shown',
    async ({ value, code, shown }) => {
      const error = await rejection(
        Promise.resolve(callUnchecked(listenExclusive, [owner(), { port: value }])),
      );
      expect(error).toMatchObject({ code, message: expect.stringContaining(shown) });
    },
  );

  test.each([{}, 80, undefined])('%j as a server', async (server) => {
    const error = await rejection(Promise.resolve(callUnchecked(listenExclusive, [server])));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });

  test('a server that listens', async () => {
    const { server } = await listening();
    expect(await rejection(listenExclusive(server))).toMatchObject({
      code: 'ERR_SERVER_ALREADY_LISTEN',
    });
    expect(server.listening).toBe(true);
  });

  test('an address that is not this machine’s', async () => {
    expect(await rejection(listenExclusive(owner(), { host: foreignIpv4 }))).toMatchObject({
      code: 'EADDRNOTAVAIL',
      syscall: 'bind',
      address: foreignIpv4,
    });
  });

  test('with the port that an exclusive socket of IPv6 holds', needsIpv6, async () => {
    const socket = new SocketHandle(AF_INET6);
    onTestFinished(() => socket.close());
    const port = bindPort(socket, '::1');
    const error = await rejection(listenExclusive(owner(), { host: '::1', port }));
    expect(error).toMatchObject({ syscall: 'bind', code: 'EADDRINUSE' });
  });
});
