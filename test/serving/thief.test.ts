import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createUdpHandle, type OpenableHandle } from '../../src/base/node-handles';
import { adopt, bindPort, constants, HOST, SocketHandle } from '../../src/index';
import { reportOf } from '../support/child';
import { freePort } from '../support/free-port';
import { isWindows, unixOnly } from '../support/platform';
import { thrown } from '../support/thrown';

interface Attempt {
  names: string[];
  host: string;
  result: string;
}

function isAttempt(value: unknown): value is Attempt {
  return typeof value === 'object' && value !== null && 'names' in value && 'result' in value;
}

type SocketType = 'SOCK_STREAM' | 'SOCK_DGRAM';

/** What another process gets when it binds the port in every way, on its address and the wildcard. */
async function steal(port: number, type: SocketType): Promise<Attempt[]> {
  const attempts = await reportOf('serving/thief.cjs', { args: [String(port), type] });
  if (!Array.isArray(attempts) || !attempts.every(isAttempt)) throw new Error('no report');
  return attempts;
}

async function expectNothingStolen(port: number, type: SocketType): Promise<void> {
  const all = await steal(port, type);
  expect(all).toHaveLength(isWindows ? 6 : 8);
  // Windows has the wildcard for others beside an exclusive 127.0.0.1, whose owner keeps what is sent
  // to it: serving/listen-exclusive.test.ts.
  const attempts = isWindows ? all.filter(({ host }) => host === '127.0.0.1') : all;
  // Windows refuses some with EACCES: "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE".
  const refused = isWindows ? /^bind (EADDRINUSE|EACCES)$/ : /^bind EADDRINUSE$/;
  for (const { names, host, result } of attempts)
    expect({ names, host, result }).toMatchObject({ result: expect.stringMatching(refused) });
}

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

  test('while a server serves the adopted socket', async () => {
    const handle = socket('SOCK_STREAM');
    const port = bindPort(handle);
    const server = createServer();
    await adopt(server, handle);
    await expectNothingStolen(port, 'SOCK_STREAM');
    server.close();
    await once(server, 'close');
  });

  test('while the UDP socket is bound', async () => {
    await expectNothingStolen(bindPort(socket('SOCK_DGRAM')), 'SOCK_DGRAM');
  });

  test('while libuv opens the UDP socket', unixOnly('it sets no option there'), async () => {
    const handle = socket('SOCK_DGRAM');
    const port = bindPort(handle);
    const results: string[] = [];
    const prototype: OpenableHandle = Object.getPrototypeOf(createUdpHandle(false));
    const { open } = prototype;
    const spy = vi.spyOn(prototype, 'open').mockImplementation(function (this: OpenableHandle, fd) {
      const result = Reflect.apply(open, this, [fd]);
      for (const option of ['SO_REUSEADDR', 'SO_REUSEPORT'] as const) {
        using thief = new SocketHandle(constants.AF_INET, constants.SOCK_DGRAM);
        thief.setOption(option, true);
        results.push(thrown(() => thief.bind(HOST, port)).message);
      }
      return result;
    });
    onTestFinished(() => spy.mockRestore());
    const adopted = createSocket('udp4');
    await adopt(adopted, handle);
    adopted.close();
    const refused = `bind EADDRINUSE ${HOST}:${port}`;
    expect(results).toEqual([refused, refused]);
  });

  test('while dgram has the adopted UDP socket', async () => {
    const handle = socket('SOCK_DGRAM');
    const port = bindPort(handle);
    const adopted = createSocket('udp4');
    await adopt(adopted, handle);
    await expectNothingStolen(port, 'SOCK_DGRAM');
    adopted.close();
    await once(adopted, 'close');
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
