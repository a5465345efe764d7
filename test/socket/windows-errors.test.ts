/** Winsock's errors, which the addon itself translates: libuv has no part in our calls. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bindPort, constants, getsockopt, SocketHandle, setsockopt } from '../../src/index';
import { windowsOnly } from '../support/platform';
import { listening, portOf } from '../support/servers';
import { systemErrorLike, thrown } from '../support/thrown';

const { AF_INET, SOCK_STREAM, SOL_SOCKET } = constants;
const winsock = windowsOnly('Winsock');

function open(family: number = AF_INET, type: number = SOCK_STREAM): SocketHandle {
  const handle = new SocketHandle(family, type);
  onTestFinished(() => handle.close());
  return handle;
}

describe('errors have the codes and numbers of libuv', () => {
  const errors: [string, string, () => unknown][] = [
    ['socket', 'EAFNOSUPPORT', () => new SocketHandle(99)],
    ['getsockopt', 'ENOTSOCK', () => SocketHandle.from(2 ** 31)],
    ['bind', 'EADDRNOTAVAIL', () => open().bind('192.0.2.1')],
    ['getsockname', 'EINVAL', () => open().address()],
    ['getpeername', 'ENOTCONN', () => open().remoteAddress()],
    ['listen', 'EINVAL', () => open().listen()],
    ['getsockopt', 'ENOPROTOOPT', () => getsockopt(open().fd, SOL_SOCKET, 0x7777)],
    ['setsockopt', 'ENOPROTOOPT', () => setsockopt(open().fd, SOL_SOCKET, 0x7777, 1)],
  ];
  test.each(errors)('%s %s', winsock, (syscall, code, call) => {
    expect(thrown(call)).toMatchObject(systemErrorLike(syscall, code));
  });

  test('a second bind', winsock, () => {
    const handle = open();
    handle.bind();
    expect(thrown(() => handle.bind())).toMatchObject(systemErrorLike('bind', 'EINVAL'));
  });

  test('a bind in Node and one here fail alike', winsock, async () => {
    const port = portOf(await listening(createServer()));
    const [failure] = await once(createServer().listen(port, '127.0.0.1'), 'error');
    const error = thrown(() => open().bind('127.0.0.1', port));
    const { code, errno, syscall, address, message } = failure;
    expect(error).toMatchObject({ code, errno, address, port });
    expect([syscall, message]).toEqual(['listen', expect.stringContaining(code)]);
  });

  test('EACCES of an exclusive holder is explained', winsock, () => {
    const holder = open();
    const port = bindPort(holder);
    const other = open();
    other.setOption('SO_REUSEADDR', true);
    const error = thrown(() => other.bind('127.0.0.1', port));
    expect(error).toMatchObject(systemErrorLike('bind', 'EACCES'));
    expect(error.message).toBe(
      `bind EACCES 127.0.0.1:${port}: another socket holds the port exclusively, or it lies in an excluded range (netsh int ipv4 show excludedportrange)`,
    );
  });

  test('SO_EXCLUSIVEADDRUSE and SO_REUSEADDR exclude each other', winsock, () => {
    const shared = open();
    shared.setOption('SO_REUSEADDR', true);
    expect(thrown(() => shared.setOption('SO_EXCLUSIVEADDRUSE', true))).toMatchObject({
      ...systemErrorLike('setsockopt', 'EINVAL'),
      message: expect.stringMatching(/SO_EXCLUSIVEADDRUSE: the socket has SO_REUSEADDR/),
    });
    const exclusive = open();
    exclusive.setOption('SO_EXCLUSIVEADDRUSE', true);
    expect(thrown(() => exclusive.setOption('SO_REUSEADDR', true))).toMatchObject({
      ...systemErrorLike('setsockopt', 'EINVAL'),
      message: expect.stringMatching(/SO_REUSEADDR: the socket has SO_EXCLUSIVEADDRUSE/),
    });
  });
});
