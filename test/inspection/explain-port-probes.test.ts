import net from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { constants, explainPort, SocketHandle, setsockopt } from '../../src/index';
import { startFixture } from '../support/child';
import { openSockets } from '../support/descriptors';
import { freePort } from '../support/free-port';
import { needsIpv6 } from '../support/network';
import { linuxOnly, notInWine } from '../support/platform';
import { causeOf } from '../support/stage';

/** Keeps this thread from everything else, as another program does that has the processor. */
function stallFor(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

describe('explainPort disturbs nobody', () => {
  const noProcesses = notInWine('its TCP table has no processes');
  /** Half a minute is little for a thousand explanations where others compute, too. */
  const timeout = 120_000;

  /** What visitors get that connect all the time, from another process, while a port is explained so often. */
  async function outcomesWhile(
    port: number,
    times: number,
    work: (i: number) => Promise<void>,
  ): Promise<unknown> {
    const visitors = startFixture('inspection/visitors.cjs', { args: ['visit', String(port)] });
    expect(await visitors.message()).toBe('begun');
    for (let i = 0; i < times; i++) await work(i);
    visitors.child.send('end');
    return visitors.message();
  }

  const hosts = ['127.0.0.1', ''];

  test('no connection is lost, nor let in elsewhere', { ...noProcesses, timeout }, async () => {
    const server = startFixture('inspection/visitors.cjs', { args: ['serve'] });
    const port = Number(await server.message());
    const outcomes = await outcomesWhile(port, 1000, async (i) => {
      const report = await explainPort(port, { host: hosts[i % 2] ?? '' });
      expect(causeOf(report, 'listening').pid).toBe(server.child.pid);
    });
    expect(outcomes).toEqual({ served: expect.any(Number) });
    expect(Object(outcomes).served).toBeGreaterThan(100);
  });

  test.each([
    ['bound', 300],
    ['free', 1000],
  ] as const)(
    'nobody is let in where a port is %s',
    { ...linuxOnly('others do not show sockets that are bound'), timeout },
    async (state, times) => {
      const port = freePort();
      using socket = new SocketHandle();
      if (state === 'bound') socket.bind('127.0.0.1', port);
      const outcomes = await outcomesWhile(port, times, async (i) => {
        const { causes } = await explainPort(port, { host: hosts[i % 2] ?? '' });
        expect(causes.map(({ cause }) => cause)).toEqual([state === 'bound' ? 'reserved' : 'free']);
      });
      expect(outcomes).toEqual({ ECONNREFUSED: expect.any(Number) });
      expect(Object(outcomes).ECONNREFUSED).toBeGreaterThan(100);
    },
  );

  test(
    'a port is not called redirected where this process was busy while it was looked at',
    linuxOnly('elsewhere sockets do not connect to themselves'),
    async () => {
      const port = freePort();
      const { connect } = net;
      let stalls = 0;
      const spy = vi.spyOn(net, 'connect').mockImplementation((...args: unknown[]) => {
        // Between the call and the loop's next look at descriptors, longer than the probe waits.
        if (Object.hasOwn(Object(args[0]), 'localPort') && stalls++ === 0) {
          process.nextTick(stallFor, 300);
        }
        return Reflect.apply(connect, net, args);
      });
      onTestFinished(() => spy.mockRestore());
      const { causes } = await explainPort(port, { host: '127.0.0.1' });
      expect(stalls).toBeGreaterThan(0);
      expect(causes.map(({ cause }) => cause)).toEqual(['free']);
    },
  );

  const sharing = linuxOnly('the others share ports by other rules');

  test('a port that nobody may share can be shared by nobody afterwards', {
    ...needsIpv6,
    ...sharing,
  }, async () => {
    // The hazard: a bind of 0.0.0.0 with SO_REUSEPORT beside a V6ONLY listener without it leaves the port
    // open to dual-stack sockets with the option (tb->fastreuseport).
    const { SO_REUSEPORT = 0, SOL_SOCKET, IPPROTO_IPV6, IPV6_V6ONLY = 0 } = constants;
    using listener = new SocketHandle(constants.AF_INET6);
    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, true);
    const port = freePort();
    listener.bind('::', port);
    listener.listen();
    const intrude = (host: string): string => {
      using thief = new SocketHandle(constants.AF_INET6);
      setsockopt(thief, SOL_SOCKET, SO_REUSEPORT, true);
      setsockopt(thief, IPPROTO_IPV6, IPV6_V6ONLY, false);
      try {
        thief.bind(host, port);
        return 'Success';
      } catch (error) {
        return String(Object(error).code);
      }
    };
    expect(intrude('::')).toBe('EADDRINUSE');
    for (const host of ['', '0.0.0.0', '::', '::1', '127.0.0.1']) {
      const { binds } = await explainPort(port, { host });
      expect(binds.some(({ options }) => options.includes('SO_REUSEPORT'))).toBe(false);
      expect(intrude('::')).toBe('EADDRINUSE');
    }
    // The hazard is real: the bind that no probe tries opens the port.
    const probe = new SocketHandle();
    setsockopt(probe, SOL_SOCKET, SO_REUSEPORT, true);
    probe.bind('0.0.0.0', port);
    probe.close();
    expect(intrude('::')).toBe('Success');
  });

  test('SO_REUSEPORT is not tried where another socket on the port lacks it', sharing, async () => {
    const { SOL_SOCKET, SO_REUSEPORT = 0 } = constants;
    using listener = new SocketHandle();
    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, true);
    listener.bind('127.0.0.1', 0);
    listener.listen();
    const { port } = listener.address();
    const tried = async () =>
      (await explainPort(port)).binds.filter(({ options }) => options.includes('SO_REUSEPORT'));
    expect(await tried()).toMatchObject([{ host: '127.0.0.1', result: 'Success' }]);
    using other = new SocketHandle();
    other.bind('127.0.0.2', port);
    expect(await tried()).toEqual([]);
  });

  test('nothing is left open', linuxOnly('descriptors are counted in /proc'), async () => {
    using listener = new SocketHandle();
    listener.bind();
    listener.listen();
    const { port } = listener.address();
    const free = freePort();
    await explainPort(free);
    const before = openSockets().length;
    for (let i = 0; i < 50; i++) {
      await explainPort(port);
      await explainPort(free, { protocol: 'udp' });
    }
    expect(openSockets()).toHaveLength(before);
  });
});
