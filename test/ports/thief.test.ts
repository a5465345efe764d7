import { describe, expect, onTestFinished, test } from 'vitest';
import { bindPort, constants, HOST, SocketHandle } from '../../src/index';
import { freePort } from '../support/free-port';
import { isWindows } from '../support/platform';
import { expectNothingStolen, type SocketType, steal } from '../support/thief';

function socket(type: SocketType): SocketHandle {
  const handle = new SocketHandle(constants.AF_INET, constants[type]);
  onTestFinished(() => handle.close());
  return handle;
}

describe('a thief is refused', () => {
  test.each(['127.0.0.1', ''])('while the TCP socket is bound to %j', async (host) => {
    await expectNothingStolen(bindPort(socket('SOCK_STREAM'), host), 'SOCK_STREAM');
  });

  test('while the handle listens', async () => {
    const handle = socket('SOCK_STREAM');
    const port = bindPort(handle);
    handle.listen();
    await expectNothingStolen(port, 'SOCK_STREAM');
  });

  test('while the UDP socket is bound', async () => {
    await expectNothingStolen(bindPort(socket('SOCK_DGRAM')), 'SOCK_DGRAM');
  });
});

describe('a thief succeeds', () => {
  test.each(['SOCK_STREAM', 'SOCK_DGRAM'] as const)(
    'against a socket that is not exclusive: %s',
    async (type) => {
      const handle = socket(type);
      const option = isWindows ? 'SO_REUSEADDR' : 'SO_REUSEPORT';
      handle.setOption(option, true);
      handle.bind();
      const attempts = await steal(handle.address().port, type);
      const stolen = attempts.filter(
        ({ host, result }) => host === '127.0.0.1' && result === 'stolen',
      );
      expect(stolen.length).toBeGreaterThan(0);
      for (const { names } of stolen) expect(names).toContain(option);
    },
  );

  test.each(['SOCK_STREAM', 'SOCK_DGRAM'] as const)(
    'once the socket is closed: %s',
    async (type) => {
      const handle = socket(type);
      const port = freePort();
      handle.bind(HOST, port);
      handle.close();
      const attempts = await steal(port, type);
      expect(attempts.map(({ result }) => result)).toEqual(attempts.map(() => 'stolen'));
    },
  );
});
