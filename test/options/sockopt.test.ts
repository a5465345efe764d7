import { closeSync, openSync } from 'node:fs';
import { endianness } from 'node:os';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Constants, constants, getsockopt, SocketHandle, setsockopt } from '../../src/index';
import { badIntegers, badOptionValues, callUnchecked } from '../support/bad-values';
import { closedCode, neverOpen, openSockets } from '../support/descriptors';
import { isLinux, isWindows, linuxOnly, runWhen, unixOnly, windowsOnly } from '../support/platform';
import { errnoOf, systemErrorLike, thrown } from '../support/thrown';

const { AF_INET, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_LINGER, SO_RCVBUF, SO_REUSEADDR } =
  constants;
const { SO_KEEPALIVE, SO_TYPE, SO_RCVTIMEO, SO_BROADCAST } = constants;

const INT32 = [-(2 ** 31), 2 ** 31 - 1] as const;
const maxDescriptor = isWindows ? Number.MAX_SAFE_INTEGER : 2 ** 31 - 1;

function constant(name: keyof Constants & `SO_${string}`): number {
  const value = constants[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
}

/** The descriptor of a new socket that is closed when the test is over. */
function socket(type: number = SOCK_STREAM): number {
  const handle = new SocketHandle(AF_INET, type);
  onTestFinished(() => handle.close());
  return handle.fd;
}

/** Whether the engine has byte arrays of that length. */
function isPossible(length: number): boolean {
  try {
    return new Uint8Array(length).length === length;
  } catch {
    return false;
  }
}

function readInt(bytes: Buffer): number {
  return endianness() === 'LE' ? bytes.readInt32LE() : bytes.readInt32BE();
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

describe('getsockopt', () => {
  test('returns an int', () => {
    expect(getsockopt(socket(SOCK_STREAM), SOL_SOCKET, SO_TYPE)).toBe(SOCK_STREAM);
    expect(getsockopt(socket(SOCK_DGRAM), SOL_SOCKET, SO_TYPE)).toBe(SOCK_DGRAM);
  });

  test('with a maximum length returns exactly the bytes that the kernel wrote', () => {
    const fd = socket();
    const bytes = getsockopt(fd, SOL_SOCKET, SO_RCVBUF, 64);
    expect(bytes).toBeInstanceOf(Buffer);
    expect(bytes).toHaveLength(4);
    expect(readInt(bytes)).toBe(getsockopt(fd, SOL_SOCKET, SO_RCVBUF));
    expect(getsockopt(fd, SOL_SOCKET, SO_LINGER, 64)).toHaveLength(isWindows ? 4 : 8);
  });

  test('cuts a value to the maximum length', linuxOnly('others refuse a short buffer'), () => {
    const fd = socket();
    expect(getsockopt(fd, SOL_SOCKET, SO_TYPE, 2)).toEqual(
      getsockopt(fd, SOL_SOCKET, SO_TYPE, 4).subarray(0, 2),
    );
    expect(getsockopt(fd, SOL_SOCKET, SO_LINGER, 5)).toHaveLength(5);
  });

  test('takes the largest maximum length', () => {
    // Not SO_TYPE, of which Wine says that it filled the whole buffer.
    expect(getsockopt(socket(), SOL_SOCKET, SO_RCVBUF, 2 ** 20)).toHaveLength(4);
  });
});

describe('setsockopt', () => {
  test('sets an int', () => {
    const fd = socket();
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, 8192);
    // socket(7): the kernel doubles the value.
    expect(getsockopt(fd, SOL_SOCKET, SO_RCVBUF)).toBe(isLinux ? 16384 : 8192);
  });

  test.each([
    { value: true, is: true },
    { value: false, is: false },
    { value: 1, is: true },
    { value: 0, is: false },
    { value: -1, is: true },
    { value: words(1), is: true },
    { value: words(0), is: false },
  ])('sets a boolean option with $value', ({ value, is }) => {
    const fd = socket();
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, !is);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, value);
    expect(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE) !== 0).toBe(is);
  });

  test('sets bytes', unixOnly('Windows has two shorts in struct linger'), () => {
    const fd = socket();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, words(1, 7));
    expect(getsockopt(fd, SOL_SOCKET, SO_LINGER, 8)).toEqual(Buffer.from(words(1, 7)));
  });

  test('sets the bytes of a view, from its own offset on', unixOnly('two shorts'), () => {
    const fd = socket();
    const whole = words(0, 99, 1, 7, 99);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, whole.subarray(8, 16));
    expect(getsockopt(fd, SOL_SOCKET, SO_LINGER, 8)).toEqual(Buffer.from(words(1, 7)));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, Buffer.from(words(1, 9)));
    expect(getsockopt(fd, SOL_SOCKET, SO_LINGER, 8)).toEqual(Buffer.from(words(1, 9)));
  });

  test('sets the bytes of another realm, of shared and of resizable memory', () => {
    const fd = socket();
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    const resizable = new Uint8Array(Reflect.construct(ArrayBuffer, [4, { maxByteLength: 8 }]));
    const foreign = runInNewContext('new Uint8Array(4)');
    for (const bytes of [shared, resizable, foreign]) {
      bytes.set(words(1));
      setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, false);
      setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, bytes);
      expect(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE)).not.toBe(0);
    }
  });

  test('bytes that are gone are none', unixOnly('Windows has its own code for it'), () => {
    const memory = new ArrayBuffer(4);
    const bytes = new Uint8Array(memory);
    structuredClone(memory, { transfer: [memory] });
    const error = thrown(() => setsockopt(socket(), SOL_SOCKET, SO_KEEPALIVE, bytes));
    expect(error).toMatchObject(systemErrorLike('setsockopt', 'EINVAL'));
  });

  const vast = runWhen(isLinux && isPossible(2 ** 32 + 4), 'arrays end at 4 GiB here (Node 20)');
  test('takes no 4 GiB and 4 bytes for 4 bytes', vast, () => {
    const fd = socket();
    const bytes = new Uint8Array(2 ** 32 + 4).fill(1, 0, 4);
    const error = thrown(() => setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, bytes));
    expect(error).toMatchObject(systemErrorLike('setsockopt', 'EINVAL'));
    expect(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE)).toBe(0);
  });

  test('passes an unsigned 32-bit value as its bits', linuxOnly('SO_MAX_PACING_RATE'), () => {
    const fd = socket();
    const rate = constant('SO_MAX_PACING_RATE');
    setsockopt(fd, SOL_SOCKET, rate, 0xfffffff0);
    expect(getsockopt(fd, SOL_SOCKET, rate)).toBe(0xfffffff0 | 0);
    setsockopt(fd, SOL_SOCKET, rate, 2 ** 31);
    expect(getsockopt(fd, SOL_SOCKET, rate)).toBe(-(2 ** 31));
  });

  test('leaves other options alone', () => {
    const fd = socket();
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, true);
    expect(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR)).toBe(0);
    expect(getsockopt(fd, SOL_SOCKET, SO_BROADCAST)).toBe(0);
  });
});

describe('socket filters', linuxOnly('only Linux has SO_ATTACH_FILTER'), () => {
  /** BPF_LD|BPF_W|BPF_LEN, BPF_RET|BPF_A: accept the whole packet. */
  const acceptAll = Buffer.from(Uint16Array.of(0x80, 0, 0, 0, 0x16, 0, 0, 0).buffer);

  function filtered(): number {
    const fd = socket(SOCK_DGRAM);
    setsockopt(fd, SOL_SOCKET, constant('SO_ATTACH_FILTER'), acceptAll);
    return fd;
  }

  test('SO_ATTACH_FILTER takes the program, SO_GET_FILTER returns it', () => {
    const fd = filtered();
    const filter = constant('SO_GET_FILTER');
    expect(getsockopt(fd, SOL_SOCKET, filter, acceptAll.length)).toEqual(acceptAll);
    expect(getsockopt(fd, SOL_SOCKET, filter, 4096)).toEqual(acceptAll);
  });

  test.each([8, 15])('a program of 16 bytes is not written to %i', (maxLength) => {
    const error = thrown(() =>
      getsockopt(filtered(), SOL_SOCKET, constant('SO_GET_FILTER'), maxLength),
    );
    expect(error).toMatchObject(systemErrorLike('getsockopt', 'EINVAL'));
  });

  test('less room than one instruction reads nothing', () => {
    expect(getsockopt(filtered(), SOL_SOCKET, constant('SO_GET_FILTER'), 7)).toHaveLength(0);
  });

  test.each([
    { what: 'half an instruction', program: acceptAll.subarray(0, 12) },
    { what: 'no instruction', program: acceptAll.subarray(0, 0) },
    { what: 'no return at its end', program: acceptAll.subarray(0, 8) },
    { what: 'more than 4096 instructions', program: Buffer.alloc(8 * 4097) },
  ])('a program with $what is refused', ({ program }) => {
    const fd = socket(SOCK_DGRAM);
    const error = thrown(() => setsockopt(fd, SOL_SOCKET, constant('SO_ATTACH_FILTER'), program));
    expect(error).toMatchObject(systemErrorLike('setsockopt', 'EINVAL'));
  });
});

describe('arguments of the wrong type or range', () => {
  const parameters = [
    {
      name: 'target',
      // Objects may have a socket: test/socket/target.test.ts.
      bad: badIntegers(0, maxDescriptor, 'required').filter(
        ({ value }) => typeof value !== 'object' || value === null,
      ),
      get: (bad: unknown) => [bad, SOL_SOCKET, SO_TYPE],
      set: (bad: unknown) => [bad, SOL_SOCKET, SO_KEEPALIVE, 1],
    },
    {
      name: 'level',
      bad: badIntegers(...INT32, 'required'),
      get: (bad: unknown, fd: number) => [fd, bad, SO_TYPE],
      set: (bad: unknown, fd: number) => [fd, bad, SO_KEEPALIVE, 1],
    },
    {
      name: 'name',
      bad: badIntegers(...INT32, 'required'),
      get: (bad: unknown, fd: number) => [fd, SOL_SOCKET, bad],
      set: (bad: unknown, fd: number) => [fd, SOL_SOCKET, bad, 1],
    },
  ];
  const calls = [
    ...parameters.map(({ name, bad, get }) => ({ fn: getsockopt, name, bad, args: get })),
    ...parameters.map(({ name, bad, set }) => ({ fn: setsockopt, name, bad, args: set })),
    {
      fn: getsockopt,
      name: 'maxLength',
      bad: badIntegers(1, 2 ** 20, 'optional'),
      args: (bad: unknown, fd: number) => [fd, SOL_SOCKET, SO_TYPE, bad],
    },
    {
      fn: setsockopt,
      name: 'value',
      bad: [
        ...badOptionValues,
        ...badIntegers(-(2 ** 31), 2 ** 32 - 1, 'optional').filter(
          ({ value }) => typeof value === 'number',
        ),
      ],
      args: (bad: unknown, fd: number) => [fd, SOL_SOCKET, SO_KEEPALIVE, bad],
    },
  ].flatMap(({ fn, name, bad, args }) =>
    bad.map((one) => ({ ...one, fn, call: fn.name, name, args })),
  );

  test.each(calls)('$call refuses $shown as $name', ({ fn, name, args, value, shown, code }) => {
    const fd = socket();
    const error = thrown(() => callUnchecked(fn, args(value, fd)));
    expect(error).toBeInstanceOf(code === 'ERR_OUT_OF_RANGE' ? RangeError : TypeError);
    expect(error).toHaveProperty('code', code);
    expect(error.message).toContain(`"${name}"`);
    expect(error.message).toContain(`Received ${shown}`);
    expect(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE)).toBe(0);
  });
});

describe('failing system calls', () => {
  const both = [
    { syscall: 'getsockopt', call: (fd: number, name: number) => getsockopt(fd, SOL_SOCKET, name) },
    {
      syscall: 'getsockopt',
      call: (fd: number, name: number) => getsockopt(fd, SOL_SOCKET, name, 8),
    },
    {
      syscall: 'setsockopt',
      call: (fd: number, name: number) => setsockopt(fd, SOL_SOCKET, name, 1),
    },
    {
      syscall: 'setsockopt',
      call: (fd: number, name: number) => setsockopt(fd, SOL_SOCKET, name, words(1)),
    },
  ];

  test.each(both)('a closed descriptor: $syscall', ({ syscall, call }) => {
    const error = thrown(() => call(neverOpen, SO_KEEPALIVE));
    expect(error).toMatchObject(systemErrorLike(syscall, closedCode));
    expect(error.message).toBe(`${syscall} ${closedCode}`);
  });

  test('no part of a SOCKET is cut off', windowsOnly('descriptors have 32 bits'), () => {
    const fd = socket();
    for (const other of [fd + 2 ** 32, fd + 2 ** 45, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER]) {
      const error = thrown(() => getsockopt(other, SOL_SOCKET, constants.SO_TYPE));
      expect(error).toMatchObject(systemErrorLike('getsockopt', 'ENOTSOCK'));
    }
  });

  test.each(both)("a file's descriptor: $syscall", ({ syscall, call }) => {
    const file = openSync(__filename, 'r');
    onTestFinished(() => closeSync(file));
    expect(thrown(() => call(file, SO_KEEPALIVE))).toMatchObject(
      systemErrorLike(syscall, 'ENOTSOCK'),
    );
  });

  test.each(both)('an option that does not exist: $syscall', ({ syscall, call }) => {
    const before = isWindows ? [] : openSockets();
    const fd = socket();
    for (const name of [-77, 0x7ffffffe]) {
      const error = thrown(() => call(fd, name));
      expect(error).toMatchObject(systemErrorLike(syscall, 'ENOPROTOOPT'));
    }
    if (!isWindows) expect(openSockets()).toHaveLength(before.length + 1);
  });

  test('an error that libuv has no name for', linuxOnly('EDOM of SO_RCVTIMEO'), () => {
    const fd = socket();
    // A timeval of two million microseconds.
    const timeval = new Uint8Array(BigInt64Array.of(0n, 2_000_000n).buffer);
    const error = thrown(() => setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval));
    expect(error).toMatchObject({ code: 'EDOM', errno: errnoOf('EDOM'), syscall: 'setsockopt' });
    expect(errnoOf('EDOM')).toBeLessThan(0);
    expect(error.message).toBe('setsockopt EDOM');
  });

  test('an error has no address and no port', () => {
    const error = thrown(() => getsockopt(neverOpen, SOL_SOCKET, SO_TYPE));
    expect(error).not.toHaveProperty('address');
    expect(error).not.toHaveProperty('port');
  });
});
