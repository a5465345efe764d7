import { once } from 'node:events';
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { constants, getOption, HOST, HOSTv6, SocketHandle } from '../../src/index';
import { openTarget } from '../../src/socket/listen-target';
import { badIntegers, callUnchecked } from '../support/bad-values';
import { reportOf } from '../support/child';
import { closedCode, isSocket, neverOpen, openSockets } from '../support/descriptors';
import { freePort } from '../support/free-port';
import {
  foreignIpv4,
  foreignIpv6,
  hasUnixSockets,
  linkLocal,
  needsIpv6,
  needsLinkLocal,
} from '../support/network';
import { nodeDescriptor } from '../support/node-descriptor';
import { isLinux, isWindows, linuxOnly, unixOnly, windowsOnly } from '../support/platform';
import { systemErrorLike, thrown } from '../support/thrown';

const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM, IPPROTO_TCP, IPPROTO_UDP } = constants;
const CLOSED = 'ERR_SOCKET_HANDLE_CLOSED';
const ADOPTED = 'ERR_SOCKET_HANDLE_ADOPTED';

function socket(family?: number, type?: number): SocketHandle {
  const handle = new SocketHandle(family, type);
  onTestFinished(() => handle.close());
  return handle;
}

function bound(host?: string): SocketHandle {
  const handle = socket();
  handle.bind(host);
  return handle;
}

describe('opening', () => {
  test('a TCP/IPv4 socket by default', () => {
    const { family, type, protocol, closed, bound, fd } = socket();
    expect({ family, type, protocol, closed, bound }).toEqual({
      family: AF_INET,
      type: SOCK_STREAM,
      protocol: IPPROTO_TCP,
      closed: false,
      bound: false,
    });
    expect(fd).toBeGreaterThan(2);
  });

  test.each([
    { family: AF_INET, type: SOCK_DGRAM, protocol: IPPROTO_UDP },
    { family: AF_INET6, type: SOCK_STREAM, protocol: IPPROTO_TCP },
    { family: AF_INET6, type: SOCK_DGRAM, protocol: IPPROTO_UDP },
    ...(hasUnixSockets ? [{ family: AF_UNIX, type: SOCK_STREAM, protocol: 0 }] : []),
  ])('family $family, type $type', ({ family, type, protocol }) => {
    expect(socket(family, type)).toMatchObject({ family, type, protocol });
  });

  test('with flags in the type', linuxOnly('SOCK_NONBLOCK'), () => {
    expect(socket(AF_INET, SOCK_STREAM | (constants.SOCK_NONBLOCK ?? 0)).type).toBe(SOCK_STREAM);
  });

  test.each([
    { args: [12345], code: 'EAFNOSUPPORT' },
    { args: [AF_INET, 77], code: isLinux ? 'EINVAL' : expect.stringMatching(/^E/) },
    {
      args: [AF_INET, SOCK_STREAM, IPPROTO_UDP],
      code: isWindows ? expect.stringMatching(/^EPROTO/) : 'EPROTONOSUPPORT',
    },
  ])('what the kernel refuses: socket($args)', ({ args, code }) => {
    const error = thrown(() => new SocketHandle(...args));
    expect(error).toMatchObject({ syscall: 'socket', code, errno: expect.any(Number) });
  });

  test("the program's own Error.prepareStackTrace does not hinder it", async () => {
    const report = await reportOf('socket/odd-stack-traces.cjs', {
      execArgv: ['--trace-warnings'],
    });
    const opened = { closed: false, limitIsSame: true };
    expect(report).toEqual([opened, opened, opened]);
  });

  const parameters = ['family', 'type', 'protocol'];
  const rows = parameters.flatMap((name, index) =>
    badIntegers(-(2 ** 31), 2 ** 31 - 1, 'optional').map((bad) => ({ ...bad, name, index })),
  );
  test.each(rows)('refuses $shown as $name', ({ name, index, value, shown, code }) => {
    const args: unknown[] = [AF_INET, SOCK_STREAM, 0];
    args[index] = value;
    const error = thrown(() => Reflect.construct(SocketHandle, args));
    expect(error).toHaveProperty('code', code);
    expect(error.message).toContain(`"${name}"`);
    expect(error.message).toContain(`Received ${shown}`);
  });
});

describe('the end of a handle', () => {
  const methods: [string, (handle: SocketHandle) => unknown][] = [
    ['fd', (handle) => handle.fd],
    ['bound', (handle) => handle.bound],
    ['getOption', (handle) => handle.getOption('SO_TYPE')],
    ['setOption', (handle) => handle.setOption('SO_KEEPALIVE', true)],
    ['bind', (handle) => handle.bind()],
    ['listen', (handle) => handle.listen()],
    ['address', (handle) => handle.address()],
    ['remoteAddress', (handle) => handle.remoteAddress()],
    ['transfer', (handle) => handle.transfer()],
    ['detach', (handle) => handle.detach()],
  ];

  test.each(methods)('%s throws once it is closed', (_name, use) => {
    const handle = bound();
    handle.close();
    const error = thrown(() => use(handle));
    expect(error).toMatchObject({ code: CLOSED, message: 'The SocketHandle is closed' });
  });

  test.each(methods)('%s throws once it is detached', (_name, use) => {
    const handle = bound();
    const fd = handle.detach();
    onTestFinished(() => SocketHandle.from(fd).close());
    expect(thrown(() => use(handle))).toHaveProperty('code', ADOPTED);
  });

  test('close() closes the descriptor, once', unixOnly('fstat knows no SOCKET'), () => {
    const before = openSockets();
    const handle = new SocketHandle();
    const { fd } = handle;
    expect(openSockets()).toContain(fd);
    handle.close();
    expect(openSockets()).toEqual(before);
    // The kernel gives the lowest free number, so this one takes the closed one's place.
    using next = new SocketHandle();
    handle.close();
    handle[Symbol.dispose]();
    expect(isSocket(next.fd)).toBe(true);
    expect(handle.closed).toBe(true);
  });

  test('close() frees the port', () => {
    const first = socket();
    const port = freePort();
    first.bind(HOST, port);
    first.close();
    const second = socket();
    second.bind(HOST, port);
    expect(second.address().port).toBe(port);
  });

  test('what it was can still be told', () => {
    const handle = new SocketHandle(AF_INET6, SOCK_DGRAM);
    handle.close();
    expect(handle).toMatchObject({
      family: AF_INET6,
      type: SOCK_DGRAM,
      protocol: IPPROTO_UDP,
      closed: true,
    });
  });

  test('`using` closes it', () => {
    let outer: SocketHandle;
    {
      using handle = new SocketHandle();
      outer = handle;
      expect(handle.closed).toBe(false);
    }
    expect(outer.closed).toBe(true);
  });

  test('close() after somebody else closed the descriptor', unixOnly('closes by fs'), () => {
    const handle = new SocketHandle();
    closeSync(handle.fd);
    expect(thrown(() => handle.close())).toMatchObject(systemErrorLike('close', 'EBADF'));
    expect(handle.closed).toBe(true);
    handle.close();
  });

  test('detach() gives the descriptor up, open', unixOnly('fstat knows no SOCKET'), () => {
    const handle = new SocketHandle();
    const { fd } = handle;
    expect(handle.detach()).toBe(fd);
    expect(handle.closed).toBe(true);
    handle.close();
    expect(isSocket(fd)).toBe(true);
    closeSync(fd);
  });
});

describe('from', () => {
  test('takes ownership of a descriptor', () => {
    const fd = new SocketHandle(AF_INET, SOCK_DGRAM).detach();
    const handle = SocketHandle.from(fd);
    expect(handle).toMatchObject({
      fd,
      family: AF_INET,
      type: SOCK_DGRAM,
      protocol: IPPROTO_UDP,
      closed: false,
    });
    handle.bind();
    expect(handle.address().port).toBeGreaterThan(0);
    handle.close();
    expect(thrown(() => SocketHandle.from(fd))).toMatchObject(
      systemErrorLike('getsockopt', closedCode),
    );
  });

  test('refuses a descriptor that another handle owns, which stays as it is', () => {
    const owner = socket();
    const error = thrown(() => SocketHandle.from(owner.fd));
    expect(error).toHaveProperty('code', 'ERR_SOCKET_HANDLE_OWNED');
    expect(error.message).toBe(`Descriptor ${owner.fd} belongs to another SocketHandle`);
    expect(owner.getOption('SO_TYPE')).toBe(SOCK_STREAM);
  });

  test('refuses a file, which stays open', () => {
    const file = openSync(__filename, 'r');
    onTestFinished(() => closeSync(file));
    expect(thrown(() => SocketHandle.from(file))).toMatchObject(
      systemErrorLike('getsockopt', 'ENOTSOCK'),
    );
    expect(fstatSync(file).isFile()).toBe(true);
  });

  test('refuses what is not open', () => {
    expect(thrown(() => SocketHandle.from(neverOpen))).toMatchObject(
      systemErrorLike('getsockopt', closedCode),
    );
  });

  test('refuses a SOCKET that is negative, broken or too large', windowsOnly('Winsock'), () => {
    for (const fd of [-1, 1.5, 2 ** 53, Number.NaN])
      expect(thrown(() => SocketHandle.from(fd))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  });

  const maxDescriptor = isWindows ? Number.MAX_SAFE_INTEGER : 2 ** 31 - 1;
  test.each(badIntegers(0, maxDescriptor, 'required'))(
    'refuses $shown',
    ({ value, shown, code }) => {
      const error = thrown(() => callUnchecked(SocketHandle.from, [value], SocketHandle));
      expect(error).toHaveProperty('code', code);
      expect(error.message).toContain('"fd"');
      expect(error.message).toContain(`Received ${shown}`);
    },
  );
});

describe('binding', () => {
  test.each([
    { host: undefined, address: HOST },
    { host: HOST, address: HOST },
    { host: 'localhost', address: HOST },
    { host: '127.0.0.9', address: '127.0.0.9' },
    { host: '', address: '0.0.0.0' },
    { host: '0.0.0.0', address: '0.0.0.0' },
  ])('to $host', ({ host, address }) => {
    const handle = socket();
    handle.bind(host);
    expect(handle.bound).toBe(true);
    expect(handle.address()).toEqual({ address, family: 'IPv4', port: expect.any(Number) });
    expect(handle.address().port).toBeGreaterThan(0);
  });

  test.each([
    { host: undefined, address: HOSTv6 },
    { host: '::1', address: '::1' },
    { host: '0:0:0:0:0:0:0:1', address: '::1' },
    { host: 'localhost', address: HOSTv6 },
    { host: '', address: '::' },
    { host: '::ffff:127.0.0.1', address: '::ffff:127.0.0.1' },
  ])('an IPv6 socket to $host', needsIpv6, ({ host, address }) => {
    const handle = socket(AF_INET6);
    if (isWindows && host === '::ffff:127.0.0.1') return;
    handle.bind(host);
    expect(handle.address()).toEqual({ address, family: 'IPv6', port: expect.any(Number) });
    expect(handle.address().port).toBeGreaterThan(0);
  });

  test('to a port', () => {
    const port = freePort();
    const handle = socket();
    handle.bind(HOST, port);
    expect(handle.address()).toEqual({ address: HOST, family: 'IPv4', port });
  });

  test('sets no option', () => {
    const handle = bound();
    expect(handle.getOption('SO_REUSEADDR')).toBe(false);
    if (!isWindows) expect(handle.getOption('SO_REUSEPORT')).toBe(false);
  });

  test(
    'an unbound socket has the wildcard address and port 0',
    unixOnly('EINVAL on Windows'),
    () => {
      expect(socket().address()).toEqual({ address: '0.0.0.0', family: 'IPv4', port: 0 });
      expect(socket(AF_INET6).address()).toEqual({ address: '::', family: 'IPv6', port: 0 });
    },
  );

  test('to a link-local address with its zone', needsLinkLocal, () => {
    const handle = socket(AF_INET6);
    handle.bind(linkLocal);
    expect(handle.address()).toMatchObject({ address: linkLocal, family: 'IPv6' });
  });

  describe('refused by the kernel', () => {
    test('a port in use', () => {
      const { port } = bound().address();
      const handle = socket();
      const error = thrown(() => handle.bind(HOST, port));
      expect(error.message).toBe(`bind EADDRINUSE ${HOST}:${port}`);
      expect(error).toMatchObject({
        ...systemErrorLike('bind', 'EADDRINUSE'),
        address: HOST,
        port,
      });
      expect(handle.bound).toBe(false);
      handle.bind();
      expect(handle.bound).toBe(true);
    });

    test.each([
      { family: AF_INET, host: foreignIpv4 },
      { family: AF_INET6, host: foreignIpv6 },
    ])('the foreign address $host', ({ family, host }) => {
      const error = thrown(() => socket(family).bind(host));
      expect(error.message).toBe(`bind EADDRNOTAVAIL ${host}`);
      expect(error).toMatchObject({ ...systemErrorLike('bind', 'EADDRNOTAVAIL'), address: host });
      expect(error).not.toHaveProperty('port');
      expect(thrown(() => socket(family).bind(host, 4242))).toMatchObject({
        address: host,
        port: 4242,
      });
    });

    const numbers = isWindows ? [] : ['4294967295', '4294967297', '1x', '-1'];
    test.each(['nosuchif', 'no_such_if', ...numbers])('the unknown zone %s', (zone) => {
      const host = `fe80::1%${zone}`;
      const error = thrown(() => socket(AF_INET6).bind(host));
      expect(error.message).toBe(`bind ENODEV ${host}`);
      expect(error).toMatchObject({ ...systemErrorLike('bind', 'ENODEV'), address: host });
    });

    test('a second bind', () => {
      const handle = bound();
      const before = handle.address();
      expect(thrown(() => handle.bind())).toMatchObject(systemErrorLike('bind', 'EINVAL'));
      expect(handle.address()).toEqual(before);
    });
  });

  describe('refused before the kernel is asked', () => {
    const hosts = [
      { family: AF_INET, host: '::1' },
      { family: AF_INET, host: '::ffff:127.0.0.1' },
      { family: AF_INET6, host: '127.0.0.1' },
      { family: AF_INET6, host: '0.0.0.0' },
      ...['example.com', 'LOCALHOST', 'localhost.', '127.1', '0x7f.0.0.1', '2130706433'].map(
        (host) => ({ family: AF_INET, host }),
      ),
      ...['256.0.0.1', ' 127.0.0.1', '127.0.0.1\n', '127.0.0.1\0', '127.0.0.1:80', '*'].map(
        (host) => ({ family: AF_INET, host }),
      ),
      ...['[::1]', '::1\0', '::g', 'fe80::1%\0', '::1%lo\0x', '%lo'].map((host) => ({
        family: AF_INET6,
        host,
      })),
    ];
    test.each(hosts)('host %j', ({ family, host }) => {
      const handle = socket(family);
      const error = thrown(() => handle.bind(host));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toHaveProperty('code', 'ERR_INVALID_ARG_VALUE');
      expect(error.message).toMatch(/^The argument 'host' must be a numeric IPv[46] address/);
      expect(handle.bound).toBe(false);
    });

    test.each([null, 4, 1n, true, {}, [HOST], Symbol('host')])('host %s', (host) => {
      const handle = socket();
      const error = thrown(() => callUnchecked(handle.bind, [host], handle));
      expect(error).toHaveProperty('code', 'ERR_INVALID_ARG_TYPE');
      expect(error.message).toMatch(/^The "host" argument must be of type string\. Received /);
      expect(handle.bound).toBe(false);
    });

    test.each(badIntegers(0, 65535, 'optional'))('port $shown', ({ value, shown, code }) => {
      const handle = socket();
      const error = thrown(() => callUnchecked(handle.bind, [HOST, value], handle));
      expect(error).toHaveProperty('code', code);
      expect(error.message).toContain('"port"');
      expect(error.message).toContain(`Received ${shown}`);
      expect(handle.bound).toBe(false);
    });
  });
});

describe('Unix domain sockets', unixOnly('Node has named pipes on Windows'), () => {
  function folder(): string {
    const made = mkdtempSync(join(tmpdir(), 'bindport-'));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  }

  test('are bound to a path', () => {
    const path = join(folder(), 'ünïx.sock');
    const handle = socket(AF_UNIX);
    expect(handle.bound).toBe(false);
    expect(handle.address()).toEqual({ address: '', family: 'Unix', port: 0 });
    handle.bind(path);
    expect(handle.address()).toEqual({ address: path, family: 'Unix', port: 0 });
    expect(handle.bound).toBe(true);
    expect(existsSync(path)).toBe(true);
  });

  test('a path in use', () => {
    const path = join(folder(), 's');
    socket(AF_UNIX).bind(path);
    const error = thrown(() => socket(AF_UNIX).bind(path));
    expect(error.message).toBe(`bind EADDRINUSE ${path}`);
    expect(error).toMatchObject({ ...systemErrorLike('bind', 'EADDRINUSE'), address: path });
    expect(error).not.toHaveProperty('port');
  });

  test('a folder that does not exist', () => {
    const path = join(folder(), 'none', 's');
    expect(thrown(() => socket(AF_UNIX).bind(path))).toMatchObject({
      ...systemErrorLike('bind', 'ENOENT'),
      address: path,
    });
  });

  test('the longest path and one byte more', linuxOnly('sun_path has 108 bytes'), () => {
    const start = `${folder()}/`;
    const longest = start + 'x'.repeat(107 - start.length);
    const handle = socket(AF_UNIX);
    handle.bind(longest);
    expect(handle.address().address).toBe(longest);
    const error = thrown(() => socket(AF_UNIX).bind(`${longest}x`));
    expect(error).toMatchObject(systemErrorLike('bind', 'ENAMETOOLONG'));
    expect(existsSync(longest.slice(0, -1))).toBe(false);
  });

  test.each(['a\0b', '/tmp/x\0', undefined, null, 4])('no path: %j', (host) => {
    const handle = socket(AF_UNIX);
    const error = thrown(() => callUnchecked(handle.bind, [host], handle));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/host.*Received/);
    expect(handle.bound).toBe(false);
  });

  describe('abstract names', linuxOnly('abstract names'), () => {
    function bindsTo(handle: SocketHandle, host: string): boolean {
      try {
        handle.bind(host);
        return true;
      } catch {
        return false;
      }
    }

    test.each(['plain', 'with\0NUL', 'x'.repeat(100)])('%j', (name) => {
      const host = `\0bindport-${process.pid}-${name}`.slice(0, 108);
      const handle = socket(AF_UNIX);
      handle.bind(host);
      expect(handle.address()).toEqual({ address: host, family: 'Unix', port: 0 });
      expect(handle.bound).toBe(true);
      expect(thrown(() => socket(AF_UNIX).bind(host))).toMatchObject({
        ...systemErrorLike('bind', 'EADDRINUSE'),
        address: host,
      });
    });

    test('of NULs alone', () => {
      // One that nobody else has: the names of NULs are few.
      const handle = socket(AF_UNIX);
      const names = Array.from({ length: 108 }, (_, i) => '\0'.repeat(i + 1));
      const host = names.find((name) => bindsTo(handle, name));
      expect(handle.bound).toBe(true);
      expect(handle.address()).toEqual({ address: host, family: 'Unix', port: 0 });
    });

    test('too long', () => {
      expect(thrown(() => socket(AF_UNIX).bind(`\0${'x'.repeat(108)}`))).toMatchObject(
        systemErrorLike('bind', 'ENAMETOOLONG'),
      );
    });

    test("'' has the kernel choose one", () => {
      const handle = socket(AF_UNIX);
      handle.bind('');
      // unix(7), "autobind": a NUL and five hexadecimal digits.
      expect(handle.address().address).toMatch(/^\0[0-9a-f]{5}$/);
      expect(handle.bound).toBe(true);
    });
  });
});

describe('listening', () => {
  test('accepts connections', async () => {
    const handle = bound();
    handle.listen();
    const client = connect(handle.address().port, HOST);
    onTestFinished(() => {
      client.destroy();
    });
    await once(client, 'connect');
    expect(client.remotePort).toBe(handle.address().port);
  });

  test('again sets the backlog', () => {
    const handle = bound();
    handle.listen(1);
    handle.listen(0);
    expect(handle.getOption('SO_ACCEPTCONN')).toBe(true);
  });

  test('where another socket listens', unixOnly('SO_REUSEADDR shares a port there'), () => {
    const [one, two] = [socket(), socket()];
    for (const handle of [one, two]) handle.setOption('SO_REUSEADDR', true);
    one.bind();
    const { port } = one.address();
    two.bind(HOST, port);
    one.listen();
    const error = thrown(() => two.listen());
    expect(error.message).toBe(`listen EADDRINUSE ${HOST}:${port}`);
    expect(error).toMatchObject({
      ...systemErrorLike('listen', 'EADDRINUSE'),
      address: HOST,
      port,
    });
    expect(two.closed).toBe(false);
  });

  test('on a UDP socket', () => {
    const handle = socket(AF_INET, SOCK_DGRAM);
    handle.bind();
    expect(thrown(() => handle.listen())).toMatchObject(systemErrorLike('listen', 'ENOTSUP'));
  });

  test.each(badIntegers(0, 2 ** 31 - 1, 'optional'))('backlog $shown', ({ value, shown, code }) => {
    const handle = bound();
    const error = thrown(() => callUnchecked(handle.listen, [value], handle));
    expect(error).toHaveProperty('code', code);
    expect(error.message).toContain('"backlog"');
    expect(error.message).toContain(`Received ${shown}`);
    expect(handle.getOption('SO_ACCEPTCONN')).toBe(false);
  });
});

describe('the remote address', () => {
  test('of an unconnected socket', () => {
    expect(thrown(() => bound().remoteAddress())).toMatchObject(
      systemErrorLike('getpeername', 'ENOTCONN'),
    );
  });

  test('of a connected one', async () => {
    const server = createServer().listen(0, HOST);
    onTestFinished(() => {
      server.close();
    });
    await once(server, 'listening');
    const handle = SocketHandle.from(nodeDescriptor(server));
    const { port } = handle.address();
    handle.detach();
    const client = connect(port, HOST);
    const [[accepted]]: [Socket[], unknown] = await Promise.all([
      once(server, 'connection'),
      once(client, 'connect'),
    ]);
    const peer = SocketHandle.from(nodeDescriptor(client));
    expect(peer.remoteAddress()).toEqual({ address: HOST, family: 'IPv4', port });
    expect(peer.address()).toEqual({ address: HOST, family: 'IPv4', port: accepted?.remotePort });
    peer.detach();
    client.destroy();
    accepted?.destroy();
  });
});

describe('transfer', () => {
  test('gives what a server listens on', async () => {
    const handle = bound();
    const { port } = handle.address();
    const server = createServer((socket) => socket.end('served')).listen(handle.transfer());
    onTestFinished(() => {
      server.close();
    });
    await once(server, 'listening');
    expect(server.address()).toMatchObject({ address: HOST, port });
    expect(handle.closed).toBe(true);
    expect(thrown(() => handle.fd)).toHaveProperty('code', ADOPTED);
    const client = connect(port, HOST).setEncoding('utf8');
    expect((await once(client, 'data'))[0]).toBe('served');
  });

  test('refuses an unbound socket, which stays open', () => {
    const handle = socket();
    expect(thrown(() => handle.transfer())).toHaveProperty('code', 'ERR_SOCKET_NOT_BOUND');
    handle.bind();
    expect(handle.bound).toBe(true);
  });

  test('refuses a Unix datagram socket', linuxOnly('abstract names'), () => {
    const handle = socket(AF_UNIX, SOCK_DGRAM);
    handle.bind('');
    expect(thrown(() => handle.transfer())).toHaveProperty('code', 'ERR_SOCKET_BAD_TYPE');
    expect(handle.closed).toBe(false);
  });

  test('refuses a descriptor that the event loop has', async () => {
    const server = createServer().listen(0, HOST);
    onTestFinished(() => {
      server.close();
    });
    await once(server, 'listening');
    const handle = SocketHandle.from(nodeDescriptor(server));
    const { fd } = handle;
    const { port } = handle.address();
    expect(thrown(() => handle.transfer())).toMatchObject(systemErrorLike('open', 'EEXIST'));
    expect(handle.closed).toBe(false);
    handle.detach();
    // The failed handle is closed in the event loop; it must not take the descriptor with it.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(getOption(fd, 'SO_ACCEPTCONN')).toBe(true);
    const client = connect(port, HOST);
    await once(client, 'connect');
    client.destroy();
  });

  test('has no handle in Node for a Unix domain socket on Windows', windowsOnly('Winsock'), () => {
    const { fd } = socket();
    expect(thrown(() => openTarget({ fd }, AF_UNIX, SOCK_STREAM))).toMatchObject({
      code: 'ERR_SOCKET_BAD_TYPE',
    });
  });
});
