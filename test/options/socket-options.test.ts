import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest';
import {
  type Credentials,
  constants,
  getOption,
  getsockopt,
  type Linger,
  type Membership,
  type OptionName,
  type PortRange,
  type SocketAddress,
  SocketHandle,
  setOption,
  setsockopt,
  socketOptions,
} from '../../src/index';
import { callUnchecked } from '../support/bad-values';
import { closedCode, neverOpen, openSockets } from '../support/descriptors';
import { needsUnixSockets } from '../support/network';
import { acceptAll } from '../support/option-samples';
import { isLinux, isWindows, linuxOnly } from '../support/platform';
import { systemErrorLike, thrown } from '../support/thrown';

const { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } = constants;

function socket(family: number = AF_INET, type: number = SOCK_STREAM): SocketHandle {
  const handle = new SocketHandle(family, type);
  onTestFinished(() => handle.close());
  return handle;
}

const options = [...socketOptions].map(([option, about]) => ({ option, ...about }));

describe('setting and reading back', () => {
  test('the methods of a handle do the same', () => {
    const handle = socket();
    handle.setOption('SO_KEEPALIVE', true);
    expect(handle.getOption('SO_KEEPALIVE')).toBe(true);
    expect(getOption(handle.fd, 'SO_KEEPALIVE')).toBe(true);
    setOption(handle.fd, 'SO_KEEPALIVE', false);
    expect(handle.getOption('SO_KEEPALIVE')).toBe(false);
  });

  test(
    'a time is rounded up to a whole microsecond',
    linuxOnly('the size of the clock tick'),
    () => {
      const handle = socket();
      handle.setOption('SO_RCVTIMEO', 0.0001);
      // One tick: 0 would be "no time-out".
      expect(handle.getOption('SO_RCVTIMEO')).toBeGreaterThan(0);
      handle.setOption('SO_RCVTIMEO', 0);
      expect(handle.getOption('SO_RCVTIMEO')).toBe(0);
    },
  );

  test('SO_ATTACH_FILTER and SO_GET_FILTER', linuxOnly('only Linux has them'), () => {
    const handle = socket(AF_INET, SOCK_DGRAM);
    expect(handle.getOption('SO_GET_FILTER')).toHaveLength(0);
    handle.setOption('SO_ATTACH_FILTER', acceptAll);
    expect(handle.getOption('SO_GET_FILTER')).toEqual(Buffer.from(acceptAll));
    handle.setOption('SO_DETACH_FILTER', 0);
    expect(handle.getOption('SO_GET_FILTER')).toHaveLength(0);
  });
});

describe('reading', () => {
  test('agrees with getsockopt', () => {
    const handle = socket();
    for (const name of ['SO_TYPE', 'SO_RCVBUF', 'SO_ERROR'] as const) {
      expect(getOption(handle, name)).toBe(getsockopt(handle.fd, SOL_SOCKET, constants[name]));
    }
    expect(getOption(handle, 'SO_TYPE')).toBe(SOCK_STREAM);
  });

  test('SO_ACCEPTCONN is true once the socket listens', () => {
    const handle = socket();
    handle.bind();
    expect(handle.getOption('SO_ACCEPTCONN')).toBe(false);
    handle.listen();
    expect(handle.getOption('SO_ACCEPTCONN')).toBe(true);
  });

  test('the credentials of a peer', linuxOnly('SO_PEERCRED'), async () => {
    const server = createServer().listen(`\0bindport-peercred-${process.pid}`);
    await once(server, 'listening');
    const client = connect(`\0bindport-peercred-${process.pid}`);
    await once(client, 'connect');
    const credentials = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };
    expect(getOption(client, 'SO_PEERCRED')).toEqual(credentials);
    const groups = getOption(client, 'SO_PEERGROUPS');
    expect(groups.every((group) => Number.isInteger(group))).toBe(true);
    expect([...groups, process.getgid?.()]).toEqual(
      expect.arrayContaining(process.getgroups?.() ?? []),
    );
    client.destroy();
    server.close();
    await once(server, 'close');
  });

  test(
    'what identifies a socket',
    linuxOnly('SO_COOKIE, SO_DOMAIN, SO_PROTOCOL, SO_MEMINFO'),
    () => {
      const [one, two] = [socket(), socket(AF_INET, SOCK_DGRAM)];
      expect(one.getOption('SO_COOKIE')).not.toBe(two.getOption('SO_COOKIE'));
      expect(one.getOption('SO_COOKIE')).toBe(one.getOption('SO_COOKIE'));
      expect(one.getOption('SO_DOMAIN')).toBe(AF_INET);
      expect(two.getOption('SO_PROTOCOL')).toBe(constants.IPPROTO_UDP);
      expect(one.getOption('SO_MEMINFO')[1]).toBe(one.getOption('SO_RCVBUF'));
    },
  );
});

describe('what the table refuses', () => {
  test.each(options.filter(({ access }) => access === 'r'))(
    '$option can only be read',
    ({ option }) => {
      const error = thrown(() => callUnchecked(setOption, [socket(), option, 1]));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({
        code: 'ERR_INVALID_ARG_VALUE',
        message: `The argument 'name' can only be read. Received '${option}'`,
      });
    },
  );

  test.each(options.filter(({ access }) => access === 'w'))(
    '$option can only be set',
    ({ option }) => {
      const error = thrown(() => getOption(socket(), option));
      expect(error).toMatchObject({
        code: 'ERR_INVALID_ARG_VALUE',
        message: `The argument 'name' can only be set. Received '${option}'`,
      });
    },
  );

  test.each(['SO_NONSENSE', 'so_reuseaddr', '', 'AF_INET', 'toString', '__proto__', 'constructor'])(
    'the unknown name %j',
    (name) => {
      const handle = socket();
      for (const call of [
        () => callUnchecked(getOption, [handle, name]),
        () => callUnchecked(setOption, [handle, name, true]),
        () => callUnchecked(handle.getOption, [name], handle),
      ]) {
        expect(thrown(call)).toMatchObject({
          code: 'ERR_INVALID_ARG_VALUE',
          message: `The argument 'name' must be one of the names in socketOptions. Received '${name}'`,
        });
      }
    },
  );

  test.each([undefined, null, 4, 1n, {}, [], Symbol('SO_TYPE')])('the name %s', (name) => {
    const error = thrown(() => callUnchecked(getOption, [socket(), name]));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toMatch(/^The "name" argument must be of type string\. Received /);
  });

  test('an option of another platform', () => {
    const [name, where] = isWindows
      ? (['SO_REUSEPORT', 'Linux 3.9, macOS, FreeBSD'] as const)
      : (['SO_EXCLUSIVEADDRUSE', 'Windows'] as const);
    expect(socketOptions.has(name)).toBe(false);
    const read = thrown(() => getOption(socket(), name));
    expect(read).toMatchObject(systemErrorLike('getsockopt', 'ENOPROTOOPT'));
    expect(read.message).toBe(`getsockopt ENOPROTOOPT ${name}: only on ${where}`);
    const set = thrown(() => setOption(socket(), name, true));
    expect(set).toMatchObject(systemErrorLike('setsockopt', 'ENOPROTOOPT'));
    expect(set.message).toBe(`setsockopt ENOPROTOOPT ${name}: only on ${where}`);
  });

  test('a failing system call names the option', () => {
    const error = thrown(() => getOption(neverOpen, 'SO_TYPE'));
    expect(error).toMatchObject(systemErrorLike('getsockopt', closedCode));
    expect(error.message).toBe(`getsockopt ${closedCode} SO_TYPE`);
  });
});

describe('bad values', () => {
  const linger = { enabled: true, seconds: 1 };
  const rows: [OptionName, unknown, string, string][] = [
    ['SO_KEEPALIVE', 1, 'ERR_INVALID_ARG_TYPE', '"value" argument must be of type boolean'],
    ['SO_KEEPALIVE', 'true', 'ERR_INVALID_ARG_TYPE', '"value"'],
    ['SO_KEEPALIVE', undefined, 'ERR_INVALID_ARG_TYPE', 'Received undefined'],
    ['SO_RCVBUF', true, 'ERR_INVALID_ARG_TYPE', 'Received type boolean (true)'],
    ['SO_RCVBUF', '8192', 'ERR_INVALID_ARG_TYPE', "Received type string ('8192')"],
    ['SO_RCVBUF', Number.NaN, 'ERR_OUT_OF_RANGE', 'must be an integer. Received NaN'],
    ['SO_RCVBUF', 1.5, 'ERR_OUT_OF_RANGE', 'must be an integer. Received 1.5'],
    ['SO_RCVBUF', 2 ** 31, 'ERR_OUT_OF_RANGE', '>= -2147483648 && <= 2147483647'],
    ['SO_RCVTIMEO', '1', 'ERR_INVALID_ARG_TYPE', '"value" argument must be of type number'],
    ['SO_RCVTIMEO', -1, 'ERR_OUT_OF_RANGE', 'Received -1'],
    ['SO_RCVTIMEO', Number.NaN, 'ERR_OUT_OF_RANGE', 'Received NaN'],
    ['SO_RCVTIMEO', Infinity, 'ERR_OUT_OF_RANGE', 'Received Infinity'],
    ['SO_RCVTIMEO', 2 ** 32, 'ERR_OUT_OF_RANGE', 'Received 4294967296'],
    ['SO_LINGER', 3, 'ERR_INVALID_ARG_TYPE', 'an object { enabled, seconds }'],
    ['SO_LINGER', null, 'ERR_INVALID_ARG_TYPE', 'Received null'],
    ['SO_LINGER', { enabled: true }, 'ERR_INVALID_ARG_TYPE', '{ enabled, seconds }'],
    ['SO_LINGER', { ...linger, enabled: 1 }, 'ERR_INVALID_ARG_TYPE', '"value.enabled"'],
    ['SO_LINGER', { ...linger, seconds: '1' }, 'ERR_INVALID_ARG_TYPE', '"value.seconds"'],
    ['SO_LINGER', { ...linger, seconds: -1 }, 'ERR_OUT_OF_RANGE', '"value.seconds"'],
    ['SO_LINGER', { ...linger, seconds: 2 ** 31 }, 'ERR_OUT_OF_RANGE', '"value.seconds"'],
  ];
  const linuxRows: [OptionName, unknown, string, string][] = [
    ['SO_BINDTODEVICE', 1, 'ERR_INVALID_ARG_TYPE', '"value" argument must be of type string'],
    ['SO_BINDTODEVICE', 'lo\0x', 'ERR_INVALID_ARG_VALUE', 'must hold no NUL'],
    ['SO_MAX_PACING_RATE', 1, 'ERR_INVALID_ARG_TYPE', '"value" argument must be of type bigint'],
    ['SO_MAX_PACING_RATE', -1n, 'ERR_OUT_OF_RANGE', 'Received -1n'],
    ['SO_MAX_PACING_RATE', 2n ** 64n, 'ERR_OUT_OF_RANGE', 'Received 18446744073709551616n'],
    ['SO_MARK', -1, 'ERR_OUT_OF_RANGE', '>= 0 && <= 4294967295'],
    ['SO_MARK', 2 ** 32, 'ERR_OUT_OF_RANGE', 'Received 4294967296'],
    ['SO_TXTIME', 1, 'ERR_INVALID_ARG_TYPE', '"value" argument must be an array of numbers'],
    ['SO_TXTIME', [1, '0'], 'ERR_INVALID_ARG_TYPE', '"value[1]"'],
    ['SO_TXTIME', [1, -1], 'ERR_OUT_OF_RANGE', '"value[1]"'],
    ['SO_TXTIME', new Array(2), 'ERR_INVALID_ARG_TYPE', '"value[0]"'],
    ['SO_ATTACH_FILTER', [6, 0, 0, 0], 'ERR_INVALID_ARG_TYPE', 'an instance of Uint8Array'],
    ['SO_ATTACH_FILTER', 'ret', 'ERR_INVALID_ARG_TYPE', 'an instance of Uint8Array'],
  ];

  test.each([...rows, ...(isLinux ? linuxRows : [])])(
    '%s refuses %o with %s',
    (name, value, code, words) => {
      const handle = socket();
      const error = thrown(() => callUnchecked(setOption, [handle, name, value]));
      expect(error).toBeInstanceOf(code === 'ERR_OUT_OF_RANGE' ? RangeError : TypeError);
      expect(error).toHaveProperty('code', code);
      expect(error.message).toContain(words);
    },
  );

  test('an endless array is refused before it is read', linuxOnly('SO_TXTIME'), () => {
    const handle = socket();
    const error = thrown(() => handle.setOption('SO_TXTIME', new Array(2 ** 32 - 1)));
    expect(error).toHaveProperty('code', 'ERR_OUT_OF_RANGE');
    expect(error.message).toContain('"value.length"');
  });

  test('a value is read once: a getter changes nothing after the check', () => {
    const handle = socket();
    const answers: unknown[] = [true, 'no boolean'];
    const value = { seconds: 3, enabled: true };
    Object.defineProperty(value, 'enabled', { get: () => answers.shift() });
    setOption(handle, 'SO_LINGER', value);
    expect(getOption(handle, 'SO_LINGER')).toEqual({ enabled: true, seconds: 3 });
  });

  test('nothing is left open', linuxOnly('/dev/fd tells sockets apart'), () => {
    const before = openSockets();
    for (const [name, value] of [...rows, ...linuxRows]) {
      using handle = new SocketHandle();
      thrown(() => callUnchecked(setOption, [handle, name, value]));
    }
    expect(openSockets()).toEqual(before);
  });
});

describe('constants', () => {
  test('are frozen integers', () => {
    expect(Object.isFrozen(constants)).toBe(true);
    expect(() => callUnchecked(Object.assign, [constants, { AF_INET: 1 }])).toThrow(TypeError);
    expect(Object.values(constants).every((value) => Number.isInteger(value))).toBe(true);
  });

  test('are undefined where the platform lacks them', () => {
    expect(constants.SO_EXCLUSIVEADDRUSE).toBe(isWindows ? -5 : undefined);
    expect(constants.SO_REUSEPORT === undefined).toBe(isWindows);
    expect(constants.SOCK_NONBLOCK === undefined).toBe(!isLinux);
    expect('SO_NONSENSE' in constants).toBe(false);
  });

  test("have the platform's numbers", linuxOnly("Linux's numbers"), () => {
    expect(constants).toMatchObject({
      AF_UNSPEC: 0,
      AF_UNIX: 1,
      AF_INET: 2,
      AF_INET6: 10,
      SOCK_STREAM: 1,
      SOCK_DGRAM: 2,
      IPPROTO_TCP: 6,
      IPPROTO_UDP: 17,
      SOCK_CLOEXEC: 0o2000000,
    });
  });

  test('give level and name of every named option', () => {
    for (const { option, level, levelName, name, where } of options) {
      // macOS' SO_LINGER is in clock ticks, Linux' ICMPV6_FILTER has another name elsewhere, and Windows
      // has TCP_INFO as an ioctl.
      const instead = {
        SO_LINGER: 'SO_LINGER_SEC',
        ICMPV6_FILTER: 'ICMP6_FILTER',
        TCP_INFO: 'SIO_TCP_INFO',
      } as const;
      const other =
        option in instead ? Reflect.get(constants, Reflect.get(instead, option)) : undefined;
      expect(name).toBe(other ?? constants[option]);
      expect(level).toBe(constants[levelName]);
      expect(where).not.toBe('');
    }
  });

  test('serve setsockopt as well', () => {
    const { fd } = socket();
    setsockopt(fd, SOL_SOCKET, constants.SO_REUSEADDR, 1);
    expect(getOption(fd, 'SO_REUSEADDR')).toBe(true);
  });
});

test("a value's type follows the option's name", () => {
  type Value<Name extends OptionName> = ReturnType<typeof getOption<Name>>;
  expectTypeOf<Value<'SO_REUSEADDR'>>().toEqualTypeOf<boolean>();
  expectTypeOf<Value<'SO_RCVBUF'>>().toEqualTypeOf<number>();
  expectTypeOf<Value<'SO_RCVTIMEO'>>().toEqualTypeOf<number>();
  expectTypeOf<Value<'SO_LINGER'>>().toEqualTypeOf<Linger>();
  expectTypeOf<Value<'SO_COOKIE'>>().toEqualTypeOf<bigint>();
  expectTypeOf<Value<'SO_BINDTODEVICE'>>().toEqualTypeOf<string>();
  expectTypeOf<Value<'SO_PEERCRED'>>().toEqualTypeOf<Credentials>();
  expectTypeOf<Value<'SO_PEERGROUPS'>>().toEqualTypeOf<number[]>();
  expectTypeOf<Value<'SO_GET_FILTER'>>().toEqualTypeOf<Uint8Array>();
  expectTypeOf<Value<'SO_PEERNAME'>>().toEqualTypeOf<SocketAddress>();
  expectTypeOf<Value<'TCP_KEEPIDLE'>>().toEqualTypeOf<number>();
  expectTypeOf<Value<'TCP_CONGESTION'>>().toEqualTypeOf<string>();
  expectTypeOf<Value<'TCP_REPAIR_QUEUE'>>().toEqualTypeOf<
    'TCP_NO_QUEUE' | 'TCP_RECV_QUEUE' | 'TCP_SEND_QUEUE' | number
  >();
  expectTypeOf<Value<'IP_LOCAL_PORT_RANGE'>>().toEqualTypeOf<PortRange>();
  expectTypeOf<Value<'TCP_INFO'>['rtt']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Value<'TCP_INFO'>['RttUs']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Value<'TCP_INFO'>['bytes_acked']>().toEqualTypeOf<bigint | undefined>();
  expectTypeOf<NonNullable<Value<'TCP_INFO'>['state']>>()
    .extract<'TCP_LISTEN'>()
    .toEqualTypeOf<'TCP_LISTEN'>();
  expectTypeOf<Value<'SCTP_INITMSG'>['max_attempts']>().toEqualTypeOf<number>();
  expectTypeOf<Parameters<typeof setOption<'SCTP_INITMSG'>>[2]>().toMatchTypeOf<{
    max_attempts?: number;
  }>();
  expectTypeOf<Parameters<typeof setOption<'IPV6_JOIN_GROUP'>>[2]>().toEqualTypeOf<Membership>();
  expectTypeOf<Parameters<typeof setOption<'SO_LINGER'>>[2]>().toEqualTypeOf<Linger>();
  expectTypeOf<Parameters<SocketHandle['getOption']>[0]>().toEqualTypeOf<OptionName>();
  expectTypeOf(constants.AF_INET).toEqualTypeOf<number>();
  expectTypeOf(constants.SO_REUSEPORT).toEqualTypeOf<number | undefined>();
  // @ts-expect-error a boolean option takes no number
  expect(() => setOption(-1, 'SO_REUSEADDR', 1)).toThrow(RangeError);
  // @ts-expect-error no such option
  expect(() => getOption(socket(), 'SO_NONSENSE')).toThrow(TypeError);
});

test('a Unix domain socket has options too', needsUnixSockets, () => {
  expect(getOption(socket(AF_UNIX), 'SO_TYPE')).toBe(SOCK_STREAM);
});
