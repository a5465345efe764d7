/** The layout of option values in Winsock, which differs from that of every Unix. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { constants, getsockopt, SocketHandle, setsockopt } from '../../src/index';
import { isWine, windowsOnly } from '../support/platform';

const { AF_INET, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } = constants;
const winsock = windowsOnly('Winsock');

function open(family: number = AF_INET, type: number = SOCK_STREAM): SocketHandle {
  const handle = new SocketHandle(family, type);
  onTestFinished(() => handle.close());
  return handle;
}

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
