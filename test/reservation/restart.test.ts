import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../src/base/binding';
import { listsBoundSockets } from '../../src/base/platform';
import { adopt, bindPort, reservePort, SocketHandle } from '../../src/index';
import { strategies } from '../../src/reservation/strategies/table';
import { freePort } from '../support/free-port';
import { needsIpv6 } from '../support/network';
import { fixture } from '../support/paths';
import { isLinux, runWhen } from '../support/platform';
import { connected, leaveRemainder } from '../support/remainders';
import { allRefused, ask, thieves } from '../support/reservations';
import { errnoOf } from '../support/thrown';

const tellsAll = runWhen(isLinux && listsBoundSockets, 'Linux 6.8 lists what is bound');

/** A reservation's server has come and gone. */
async function usedPort(
  state?: 'TIME_WAIT' | 'FIN_WAIT2',
  options: Parameters<typeof reservePort>[0] = {},
): Promise<number> {
  using reservation = reservePort({ port: freePort(), ...options });
  const host = reservation.host === '::1' ? '::1' : undefined;
  return leaveRemainder((server) => reservation.listen(server), state, host);
}

describe('a preferred port whose last server has left connections', tellsAll, () => {
  describe.each(strategies)('is had again with the strategy %s,', (strategy) => {
    test.each(['TIME_WAIT', 'FIN_WAIT2'] as const)('they being in %s', async (state) => {
      const port = await usedPort(state);
      using again = reservePort({ port, strategy });
      expect(again.port).toBe(port);
      expect(await thieves(port)).toEqual(allRefused);
      await again.listen(createServer((client) => client.end('again')).unref());
      expect(await ask(port)).toBe('again');
    });
  });

  test.each([['127.0.0.1'], ['localhost'], ['0.0.0.0'], ['::']])('on %s', async (host) => {
    const port = await usedPort('TIME_WAIT', { host });
    using again = reservePort({ port, host });
    expect(again.port).toBe(port);
    expect(await thieves(port)).toEqual(allRefused);
  });

  test('on ::1', needsIpv6, async () => {
    const port = await usedPort('TIME_WAIT', { host: '::1' });
    using again = reservePort({ port, host: '::1' });
    expect(again.port).toBe(port);
  });

  test('is shared with a program, and taken back', async () => {
    const port = await usedPort();
    using again = reservePort({ port });
    again.share();
    using program = new SocketHandle();
    program.setOption('SO_REUSEADDR', true);
    program.bind('127.0.0.1', port);
    program.listen();
    expect(await again.ready()).toMatchObject({ port });
    again.unshare();
    program.close();
    expect(await thieves(port)).toEqual(allRefused);
  });

  test('is not had while one of them is still open', async () => {
    using reservation = reservePort({ port: freePort() });
    const { server, port } = await connected((server) => reservation.listen(server));
    server.close();
    reservation.release();
    using again = reservePort({ port });
    expect(again.port).not.toBe(port);
  });

  test('is not had while they lack SO_REUSEADDR', async () => {
    const port = await leaveRemainder((server) => {
      const socket = new SocketHandle();
      bindPort(socket);
      return adopt(server, socket);
    });
    using again = reservePort({ port });
    expect(again.port).not.toBe(port);
  });

  test('is not had beside a socket that is bound with SO_REUSEADDR', async () => {
    const port = await usedPort();
    using bound = new SocketHandle();
    bound.setOption('SO_REUSEADDR', true);
    bound.bind('127.0.0.1', port);
    using again = reservePort({ port });
    expect(again.port).not.toBe(port);
    bound.listen();
  });

  test('is had beside sockets on other addresses', async () => {
    const port = await usedPort('TIME_WAIT', { host: '127.0.0.1' });
    using bound = new SocketHandle();
    bound.setOption('SO_REUSEADDR', true);
    bound.bind('127.0.0.2', port);
    using again = reservePort({ port, host: '127.0.0.1' });
    expect(again.port).toBe(port);
  });

  test('is not had where sock_diag is forbidden, since then nobody can tell', async () => {
    const port = await usedPort();
    const spy = vi.spyOn(binding, 'socketDiag').mockReturnValue(errnoOf('EACCES'));
    onTestFinished(() => spy.mockRestore());
    using again = reservePort({ port });
    expect(again.port).not.toBe(port);
  });
});

describe('a thief with SO_REUSEADDR,', tellsAll, () => {
  const { setOption } = SocketHandle.prototype;

  /** Runs `act` each time that a guard is about to switch SO_REUSEADDR off, the last moment to get in. */
  function atTheLastMoment(act: (guard: SocketHandle) => boolean): void {
    const spy = vi.spyOn(SocketHandle.prototype, 'setOption').mockImplementation(function (
      this: SocketHandle,
      name,
      value,
    ) {
      if (name === 'SO_REUSEADDR' && value === false && !act(this)) return;
      setOption.call(this, name, value);
    });
    onTestFinished(() => spy.mockRestore());
  }

  function thiefOn(port: number): SocketHandle {
    const thief = new SocketHandle();
    onTestFinished(() => thief.close());
    setOption.call(thief, 'SO_REUSEADDR', true);
    thief.bind('0.0.0.0', port);
    return thief;
  }

  test.each([
    ['is bound', () => {}],
    ['listens', (thief: SocketHandle) => thief.listen()],
  ])('who got in beside it and %s, keeps the port', async (_, act) => {
    const port = await usedPort();
    let thief: SocketHandle | undefined;
    atTheLastMoment(() => {
      if (thief === undefined) {
        thief = thiefOn(port);
        act(thief);
      }
      return true;
    });
    using again = reservePort({ port, host: '127.0.0.1' });
    expect(thief).toBeDefined();
    expect(again.port).not.toBe(port);
  });

  test('who got in and went again, does not', async () => {
    const port = await usedPort();
    let came = 0;
    const { close } = SocketHandle.prototype;
    let thief: SocketHandle | undefined;
    atTheLastMoment(() => {
      if (came++ === 0) thief = thiefOn(port);
      return true;
    });
    // The guard that has seen the thief is closed, and so is the thief.
    const spy = vi.spyOn(SocketHandle.prototype, 'close').mockImplementation(function (
      this: SocketHandle,
    ) {
      close.call(this);
      if (thief !== undefined && this !== thief && !thief.closed) close.call(thief);
    });
    onTestFinished(() => spy.mockRestore());
    using again = reservePort({ port, host: '127.0.0.1' });
    expect(again.port).toBe(port);
    expect(came).toBe(2);
  });

  test('who could still get in, leaves the port alone to nobody', async () => {
    const port = await usedPort();
    // As if the kernel went by what the socket was bound with.
    atTheLastMoment((guard) => guard.address().port !== port);
    using again = reservePort({ port });
    expect(again.port).not.toBe(port);
  });

  test('who tries all the time, gets in before or never', async () => {
    const thief = spawn('python3', [fixture('reservation/eager_thief.py')]);
    onTestFinished(() => {
      thief.kill();
    });
    const lines = createInterface(thief.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');
    for (let round = 0; round < 20; round++) {
      const port = await usedPort();
      // It begins while this thread reserves, sometimes before, sometimes after.
      thief.stdin.write(`${port}\n`);
      using again = reservePort({ port });
      expect((await lines.next()).value).toBe(again.port === port ? 'out' : 'in');
    }
  });
});
