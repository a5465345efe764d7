import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createUdpHandle, type OpenableHandle } from '../../src/base/node-handles';
import { adopt, bindPort, constants, HOST, SocketHandle } from '../../src/index';
import { unixOnly } from '../support/platform';
import { expectNothingStolen, type SocketType } from '../support/thief';
import { thrown } from '../support/thrown';

function socket(type: SocketType): SocketHandle {
  const handle = new SocketHandle(constants.AF_INET, constants[type]);
  onTestFinished(() => handle.close());
  return handle;
}

describe('a thief is refused', () => {
  test('while a server serves the adopted socket', async () => {
    const handle = socket('SOCK_STREAM');
    const port = bindPort(handle);
    const server = createServer();
    await adopt(server, handle);
    await expectNothingStolen(port, 'SOCK_STREAM');
    server.close();
    await once(server, 'close');
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
