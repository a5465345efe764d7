import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../src/base/binding';
import {
  bindPort,
  constants,
  findUnusedPort,
  HOST,
  HOSTv6,
  SocketHandle,
  UnsafeOptionError,
} from '../../src/index';
import { badIntegers, callUnchecked } from '../support/bad-values';
import { closedCode, neverOpen, openSockets } from '../support/descriptors';
import { foreignIpv4, foreignIpv6, hasIpv6, needsIpv6 } from '../support/network';
import { fixture } from '../support/paths';
import { isWindows, linuxOnly, unixOnly, windowsOnly } from '../support/platform';
import { errnoOf, systemErrorLike, thrown } from '../support/thrown';

const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM } = constants;

function socket(family?: number, type?: number): SocketHandle {
  const handle = new SocketHandle(family, type);
  onTestFinished(() => handle.close());
  return handle;
}

test('the loopback addresses are literal: no name is looked up', () => {
  expect(HOST).toBe('127.0.0.1');
  expect(HOSTv6).toBe('::1');
});

describe.each([
  { given: 'a SocketHandle', as: (handle: SocketHandle): SocketHandle | number => handle },
  { given: 'a bare descriptor', as: (handle: SocketHandle): SocketHandle | number => handle.fd },
])('bindPort of $given', ({ as }) => {
  function expectRefused(handle: SocketHandle, option: UnsafeOptionError['option']): void {
    const error = thrown(() => bindPort(as(handle)));
    expect(error).toBeInstanceOf(UnsafeOptionError);
    expect(error).toMatchObject({
      name: 'UnsafeOptionError',
      code: 'ERR_UNSAFE_SOCKET_OPTION',
      option,
    });
    expect(error.message).toContain(`${option} is set`);
    expect(handle.bound).toBe(false);
    expect(handle.closed).toBe(false);
  }

  test('binds to a free port, which it returns; the socket stays open', () => {
    const handle = socket();
    const port = bindPort(as(handle));
    expect(port).toBeGreaterThan(0);
    expect(handle.address()).toEqual({ address: HOST, family: 'IPv4', port });
    expect(handle.getOption('SO_ACCEPTCONN')).toBe(false);
    const second = thrown(() => socket().bind(HOST, port));
    expect(second).toMatchObject({ code: 'EADDRINUSE', port });
  });

  test.each([
    { host: undefined, address: HOST },
    { host: '127.0.0.1', address: HOST },
    { host: 'localhost', address: HOST },
    { host: '127.0.0.7', address: '127.0.0.7' },
    { host: '', address: '0.0.0.0' },
    { host: '0.0.0.0', address: '0.0.0.0' },
  ])('host $host', ({ host, address }) => {
    const handle = socket();
    const port = bindPort(as(handle), host);
    expect(handle.address()).toEqual({ address, family: 'IPv4', port });
  });

  test.each([
    { host: undefined, address: '::1' },
    { host: '::1', address: '::1' },
    { host: 'localhost', address: '::1' },
    { host: '', address: '::' },
  ])('host $host of an IPv6 socket', needsIpv6, ({ host, address }) => {
    const handle = socket(AF_INET6);
    const port = bindPort(as(handle), host);
    expect(handle.address()).toEqual({ address, family: 'IPv6', port });
  });

  test('SO_REUSEADDR is refused before anything is bound', () => {
    const handle = socket();
    handle.setOption('SO_REUSEADDR', true);
    expectRefused(handle, 'SO_REUSEADDR');
    handle.setOption('SO_REUSEADDR', false);
    expect(bindPort(as(handle))).toBeGreaterThan(0);
  });

  test('SO_REUSEPORT is refused before anything is bound', unixOnly('no SO_REUSEPORT'), () => {
    const handle = socket();
    handle.setOption('SO_REUSEPORT', true);
    expectRefused(handle, 'SO_REUSEPORT');
    handle.setOption('SO_REUSEPORT', false);
    expect(bindPort(as(handle))).toBeGreaterThan(0);
  });

  test('both set are refused as SO_REUSEADDR', unixOnly('no SO_REUSEPORT'), () => {
    const handle = socket();
    handle.setOption('SO_REUSEPORT', true);
    handle.setOption('SO_REUSEADDR', true);
    expectRefused(handle, 'SO_REUSEADDR');
  });

  test('a type with SOCK_NONBLOCK is still checked', linuxOnly('SOCK_NONBLOCK'), () => {
    const handle = socket(AF_INET, SOCK_STREAM | (constants.SOCK_NONBLOCK ?? 0));
    handle.setOption('SO_REUSEADDR', true);
    expectRefused(handle, 'SO_REUSEADDR');
    handle.setOption('SO_REUSEADDR', false);
    handle.setOption('SO_REUSEPORT', true);
    expectRefused(handle, 'SO_REUSEPORT');
  });

  describe.each([
    { kind: 'UDP/IPv4', family: AF_INET, type: SOCK_DGRAM, options: {} },
    { kind: 'UDP/IPv6', family: AF_INET6, type: SOCK_DGRAM, options: needsIpv6 },
    { kind: 'TCP/IPv6', family: AF_INET6, type: SOCK_STREAM, options: needsIpv6 },
  ])('$kind sockets are not checked', ({ family, type, options }) => {
    const here = isWindows ? unixOnly('SO_EXCLUSIVEADDRUSE excludes SO_REUSEADDR') : options;
    test('SO_REUSEADDR and SO_REUSEPORT stay set', here, () => {
      const handle = socket(family, type);
      handle.setOption('SO_REUSEADDR', true);
      handle.setOption('SO_REUSEPORT', true);
      const port = bindPort(as(handle));
      expect(handle.address().port).toBe(port);
      expect(handle.getOption('SO_REUSEADDR')).toBe(true);
      expect(handle.getOption('SO_REUSEPORT')).toBe(true);
    });

    test(
      'Windows refuses SO_REUSEADDR, and nothing is bound',
      windowsOnly('SO_EXCLUSIVEADDRUSE'),
      () => {
        const handle = socket(family, type);
        handle.setOption('SO_REUSEADDR', true);
        const error = thrown(() => bindPort(as(handle)));
        expect(error).toMatchObject(systemErrorLike('setsockopt', 'EINVAL'));
        expect(error.message).toBe(
          'setsockopt EINVAL SO_EXCLUSIVEADDRUSE: the socket has SO_REUSEADDR, which excludes it, or is bound already',
        );
        expect(handle.bound).toBe(false);
      },
    );
  });

  test.each([
    { family: AF_INET, type: SOCK_STREAM },
    { family: AF_INET, type: SOCK_DGRAM },
    { family: AF_INET6, type: SOCK_STREAM },
  ])(
    'sets SO_EXCLUSIVEADDRUSE first: family $family, type $type',
    windowsOnly('only Windows has it'),
    ({ family, type }) => {
      const handle = socket(family, type);
      bindPort(as(handle));
      expect(handle.getOption('SO_EXCLUSIVEADDRUSE')).toBe(true);
    },
  );

  test('sets no option elsewhere', unixOnly('SO_EXCLUSIVEADDRUSE is set on Windows'), () => {
    const handle = socket();
    bindPort(as(handle));
    expect(handle.getOption('SO_REUSEADDR')).toBe(false);
    expect(handle.getOption('SO_REUSEPORT')).toBe(false);
  });

  describe('when the kernel knows no SO_REUSEPORT', unixOnly('no SO_REUSEPORT'), () => {
    /** The binding's answer: libuv's error number, below every int. */
    function refuse(option: number | undefined): void {
      const { getsockopt } = binding;
      const spy = vi.spyOn(binding, 'getsockopt').mockImplementation((fd, level, name) => {
        const answer = getsockopt(fd, level, name);
        return name === option ? errnoOf('ENOPROTOOPT') - 2 ** 32 : answer;
      });
      onTestFinished(() => spy.mockRestore());
    }

    test('that check is left out', () => {
      const handle = socket();
      refuse(constants.SO_REUSEPORT);
      expect(bindPort(as(handle))).toBeGreaterThan(0);
    });

    test('SO_REUSEADDR must be readable all the same', () => {
      const handle = socket();
      refuse(constants.SO_REUSEADDR);
      const error = thrown(() => bindPort(as(handle)));
      expect(error).toMatchObject(systemErrorLike('getsockopt', 'ENOPROTOOPT'));
      expect(error.message).toContain('SO_REUSEADDR');
      vi.restoreAllMocks();
      expect(handle.bound).toBe(false);
    });
  });

  test('a socket that is bound already keeps its port', () => {
    const handle = socket();
    const port = bindPort(as(handle));
    const error = thrown(() => bindPort(as(handle)));
    expect(error).toMatchObject({ ...systemErrorLike('bind', 'EINVAL'), address: HOST });
    expect(handle.address().port).toBe(port);
  });

  test.each([
    { family: AF_INET, host: foreignIpv4 },
    { family: AF_INET6, host: foreignIpv6 },
  ])('the foreign host $host', ({ family, host }) => {
    const handle = socket(family);
    const error = thrown(() => bindPort(as(handle), host));
    expect(error).toMatchObject({ ...systemErrorLike('bind', 'EADDRNOTAVAIL'), address: host });
    expect(error.message).toBe(`bind EADDRNOTAVAIL ${host}`);
    expect(handle.bound).toBe(false);
  });

  test.each([
    { family: AF_INET, host: '::1' },
    { family: AF_INET, host: 'example.com' },
    { family: AF_INET, host: '127.0.0.1\0' },
    { family: AF_INET6, host: '127.0.0.1' },
  ])('the host $host is named in the error, and nothing is bound', ({ family, host }) => {
    const handle = socket(family);
    const error = thrown(() => bindPort(as(handle), host));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toHaveProperty('code', 'ERR_INVALID_ARG_VALUE');
    expect(error.message).toContain("'host'");
    expect(error.message).toContain(host.replace('\0', '\\x00'));
    expect(handle.bound).toBe(false);
  });

  test.each([null, 4, true, {}, Symbol('host')])('the host %s', (host) => {
    const handle = socket();
    const error = thrown(() => callUnchecked(bindPort, [as(handle), host]));
    expect(error).toHaveProperty('code', 'ERR_INVALID_ARG_TYPE');
    expect(error.message).toContain('"host"');
    expect(handle.bound).toBe(false);
  });

  test('a Unix domain socket has no port', unixOnly('no Unix domain sockets'), () => {
    const handle = socket(AF_UNIX);
    const error = thrown(() => bindPort(as(handle)));
    expect(error).toHaveProperty('code', 'ERR_INVALID_ARG_VALUE');
    expect(error.message).toContain("'socket' must be of family AF_INET or AF_INET6");
    expect(handle.bound).toBe(false);
  });
});

describe('bindPort refuses', () => {
  test('a closed handle', () => {
    const handle = new SocketHandle();
    handle.close();
    expect(thrown(() => bindPort(handle))).toHaveProperty('code', 'ERR_SOCKET_HANDLE_CLOSED');
  });

  test('a handle that gave its descriptor away', () => {
    const handle = new SocketHandle();
    const fd = handle.detach();
    expect(thrown(() => bindPort(handle))).toHaveProperty('code', 'ERR_SOCKET_HANDLE_ADOPTED');
    expect(bindPort(fd)).toBeGreaterThan(0);
    SocketHandle.from(fd).close();
  });

  test('a closed descriptor', () => {
    const error = thrown(() => bindPort(neverOpen));
    expect(error).toMatchObject(systemErrorLike('getsockopt', closedCode));
  });

  test("a file's descriptor, which stays open", () => {
    const file = openSync(__filename, 'r');
    expect(thrown(() => bindPort(file))).toMatchObject(systemErrorLike('getsockopt', 'ENOTSOCK'));
    closeSync(file);
  });

  const maxDescriptor = isWindows ? Number.MAX_SAFE_INTEGER : 2 ** 31 - 1;
  test.each(badIntegers(0, maxDescriptor, 'required'))('$shown', ({ value, shown, code }) => {
    const error = thrown(() => callUnchecked(bindPort, [value]));
    expect(error).toBeInstanceOf(code === 'ERR_OUT_OF_RANGE' ? RangeError : TypeError);
    expect(error).toHaveProperty('code', code);
    expect(error.message).toContain('"socket"');
    expect(error.message).toContain(`Received ${shown}`);
  });

  test('a net.Server', () => {
    const error = thrown(() => callUnchecked(bindPort, [createServer()]));
    expect(error.message).toBe(
      'The "socket" argument must be a SocketHandle or of type number. Received an instance of Server',
    );
  });
});

describe('findUnusedPort', () => {
  test.each([
    { family: undefined, type: undefined },
    { family: AF_INET, type: SOCK_STREAM },
    { family: AF_INET, type: SOCK_DGRAM },
  ])('family $family, type $type: the port can be bound', ({ family, type }) => {
    const port = findUnusedPort(family, type);
    expect(Number.isInteger(port) && port > 0 && port < 65536).toBe(true);
    const handle = socket(family, type);
    handle.bind(HOST, port);
    expect(handle.address().port).toBe(port);
  });

  test.each([SOCK_STREAM, SOCK_DGRAM])('IPv6, type %i', needsIpv6, (type) => {
    const port = findUnusedPort(AF_INET6, type);
    const handle = socket(AF_INET6, type);
    handle.bind(HOSTv6, port);
    expect(handle.address().port).toBe(port);
  });

  test('gives no port that is taken', () => {
    const taken = new Set(Array.from({ length: 200 }, () => bindPort(socket())));
    expect(taken.size).toBe(200);
    for (let i = 0; i < 200; i++) expect(taken).not.toContain(findUnusedPort());
  });

  test.each([AF_UNIX, 0, -1, 12345])('family %i has no ports', (family) => {
    const error = thrown(() => findUnusedPort(family));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toHaveProperty('code', 'ERR_INVALID_ARG_VALUE');
    expect(error.message).toBe(
      `The argument 'family' must be of family AF_INET or AF_INET6: others have no ports. Received ${family}`,
    );
  });

  test('a type that the kernel refuses', () => {
    const error = thrown(() => findUnusedPort(AF_INET, 77));
    expect(error).toMatchObject({ syscall: 'socket', code: expect.stringMatching(/^E/) });
  });

  const rows = ['family', 'type'].flatMap((name, index) =>
    badIntegers(-(2 ** 31), 2 ** 31 - 1, 'optional').map((bad) => ({ ...bad, name, index })),
  );
  test.each(rows)('$shown is no $name', ({ name, index, value, shown, code }) => {
    const args: unknown[] = [AF_INET, SOCK_STREAM];
    args[index] = value;
    const error = thrown(() => callUnchecked(findUnusedPort, args));
    expect(error).toHaveProperty('code', code);
    expect(error.message).toContain(`"${name}"`);
    expect(error.message).toContain(`Received ${shown}`);
  });
});

test('after a failure as many descriptors are open as before', unixOnly('/dev/fd'), () => {
  const [tcp, shared, udp, unix] = [
    socket(),
    socket(),
    socket(AF_INET, SOCK_DGRAM),
    socket(AF_UNIX),
  ];
  shared.setOption('SO_REUSEADDR', true);
  const six = hasIpv6 ? socket(AF_INET6) : udp;
  const failures = [
    () => bindPort(shared),
    () => bindPort(shared.fd),
    () => bindPort(tcp, foreignIpv4),
    () => bindPort(tcp.fd, foreignIpv4),
    () => bindPort(tcp, '::1'),
    () => bindPort(udp, 'example.com'),
    () => bindPort(unix.fd),
    () => bindPort(six, foreignIpv4),
    () => bindPort(neverOpen),
    () => findUnusedPort(AF_UNIX),
    () => findUnusedPort(AF_INET, 77),
    () => callUnchecked(bindPort, ['3']),
    () => callUnchecked(findUnusedPort, [AF_INET, Number.NaN]),
    () => tcp.bind(foreignIpv4, 4242),
    () => new SocketHandle(12345),
    () => SocketHandle.from(tcp.fd),
    () => SocketHandle.from(neverOpen),
  ];
  const before = openSockets();
  for (const fail of failures) {
    thrown(fail);
    expect(openSockets()).toEqual(before);
  }
});

test('without a free descriptor', unixOnly('ulimit -n'), () => {
  const { stdout, stderr, status } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 64 && exec "$0" "$1"', process.execPath, fixture('ports/no-descriptor.cjs')],
    { encoding: 'utf8' },
  );
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const emfile = { syscall: 'socket', code: 'EMFILE', errno: errnoOf('EMFILE') };
  expect(JSON.parse(stdout)).toEqual({
    errors: [
      { ...emfile, message: 'socket EMFILE' },
      { ...emfile, message: 'socket EMFILE' },
      { ...emfile, syscall: 'dup', message: 'dup EMFILE' },
      { ...emfile, message: 'socket EMFILE' },
    ],
    kept: true,
    full: 64,
    after: 64,
    // One descriptor is enough.
    port: expect.any(Number),
  });
});
