import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../src/base/binding';
import {
  reservePort,
  reservePorts,
  reservePortWhenFree,
  SocketHandle,
  type WhenFreeOptions,
} from '../../src/index';
import { badIntegers } from '../support/bad-values';
import { freePort, quietPorts } from '../support/free-port';
import { startHolder } from '../support/holder';
import { needsIpv6 } from '../support/network';
import { linuxOnly, unixOnly } from '../support/platform';
import { ended, node } from '../support/reservations';
import { rejection } from '../support/thrown';

const LONG = 25_000;

/** Resolves at the next look for those who have a port, which the wait makes each time. */
function nextLooks(count: number): Promise<void> {
  const { socketDiag } = binding;
  return new Promise((resolve) => {
    let looks = 0;
    const spy = vi.spyOn(binding, 'socketDiag').mockImplementation((...args) => {
      looks++;
      if (looks === count) {
        spy.mockRestore();
        resolve();
      }
      return socketDiag(...args);
    });
    onTestFinished(() => {
      spy.mockRestore();
    });
  });
}

describe('reservePortWhenFree', () => {
  test('takes a port that is free at once', async () => {
    const port = freePort();
    using reservation = await reservePortWhenFree({ port, wait: 0 });
    expect(reservation).toMatchObject({ port, state: 'held' });
  });

  test('takes any port for 0', async () => {
    using reservation = await reservePortWhenFree({ port: 0, wait: 0 });
    expect(reservation.port).toBeGreaterThan(0);
  });

  test('waits until whoever has the port gives it up', async () => {
    const taken = reservePort({ port: quietPorts() });
    const waiting = reservePortWhenFree({ port: taken.port, wait: LONG });
    const other = reservePortWhenFree({ port: taken.port, wait: LONG });
    taken.release();
    using first = await Promise.race([waiting, other]);
    expect(first.port).toBe(taken.port);
    first.release();
    for (const reservation of await Promise.all([waiting, other])) {
      expect(reservation.port).toBe(taken.port);
      reservation.release();
    }
  });

  test(
    'waits for a program to end',
    linuxOnly('its other programs are Unix programs'),
    async () => {
      const { child, port } = await startHolder();
      const looks = nextLooks(8);
      const waiting = reservePortWhenFree({ port, wait: LONG });
      await looks;
      child.kill('SIGKILL');
      await ended(child);
      using reservation = await waiting;
      expect(reservation.port).toBe(port);
    },
  );

  test('takes the first of a list, read once, that is given up', async () => {
    const [first, second] = reservePorts(2, { port: quietPorts() });
    if (!first || !second) throw new Error('no ports');
    using _ = first;
    function* once() {
      yield first?.port ?? 0;
      yield second?.port ?? 0;
    }
    const waiting = reservePortWhenFree({ port: once(), wait: LONG });
    second.release();
    using reservation = await waiting;
    expect(reservation.port).toBe(second.port);
  });

  test('names whoever has the port when the time is over', async () => {
    using taken = reservePort({ port: quietPorts() });
    const { port } = taken;
    for (const wait of [0, 1, 20]) {
      const error = await rejection(reservePortWhenFree({ port, wait }));
      expect(error).toMatchObject({
        code: 'EADDRINUSE',
        port,
        holders: expect.any(Array),
        message: expect.stringContaining(`:${port}`),
      });
    }
  });

  test('rejects with the reason of its signal, before and while it waits', async () => {
    using taken = reservePort({ port: quietPorts() });
    const reason = new Error('given up');
    const free = freePort();
    expect(
      await rejection(reservePortWhenFree({ port: free, signal: AbortSignal.abort(reason) })),
    ).toBe(reason);
    reservePort({ port: free, strict: true }).release();
    const controller = new AbortController();
    const waiting = reservePortWhenFree({
      port: taken.port,
      wait: LONG,
      signal: controller.signal,
    });
    controller.abort(reason);
    expect(await rejection(waiting)).toBe(reason);
  });

  test('leaves no listener on its signal', async () => {
    using taken = reservePort({ port: quietPorts() });
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    await rejection(reservePortWhenFree({ port: taken.port, wait: 50, signal }));
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });

  test('rejects at once when each port needs a privilege', linuxOnly('ip(7)'), async () => {
    const answer = await node(`
      if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
      const first = Number(require('node:fs').readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
      if (first < 3) console.log('EACCES EACCES');
      else Promise.allSettled([first - 1, [first - 1, first - 2]].map((port) => bindport.reservePortWhenFree({ port, wait: 2147483647 })))
        .then((all) => console.log(...all.map(({ reason }) => reason.code)));
    `);
    expect(answer).toBe('EACCES EACCES');
  });

  test(
    'warns of a forgotten one with the place of the call',
    unixOnly('started by /bin/sh'),
    async () => {
      const script = `
      process.on('warning', ({ detail }) => { console.log(/whoForgets/.test(detail)); process.exit(); });
      async function whoForgets() { await bindport.reservePortWhenFree({ port: 0 }); }
      whoForgets().then(() => setInterval(gc, 1));
    `;
      const answer = await node(script, { flags: ['--trace-warnings'] });
      expect(answer).toBe('true');
    },
  );
});

describe('while it waits', linuxOnly('sock_diag tells who has it'), () => {
  test('it binds nothing, not even the addresses that are free', needsIpv6, async () => {
    using taken = reservePort({ host: '::1', port: quietPorts() });
    const { port } = taken;
    const waiting = reservePortWhenFree({ host: 'localhost', port, wait: LONG });
    // The first look is a bind.
    const bind = vi.spyOn(binding, 'bind');
    onTestFinished(() => {
      bind.mockRestore();
    });
    await nextLooks(5);
    expect(bind).not.toHaveBeenCalled();
    // A program that is about to have the other address gets it.
    using socket = new SocketHandle();
    socket.bind('127.0.0.1', port);
    bind.mockClear();
    socket.close();
    taken.release();
    using reservation = await waiting;
    expect(reservation.addresses).toEqual(['127.0.0.1', '::1']);
    expect(bind).toHaveBeenCalled();
  });

  test('it takes the port by bind alone where nobody is shown', async () => {
    const taken = reservePort({ port: quietPorts() });
    const spy = vi.spyOn(binding, 'socketDiag').mockImplementation(() => -1);
    onTestFinished(() => {
      spy.mockRestore();
    });
    const waiting = reservePortWhenFree({ port: taken.port, wait: LONG });
    taken.release();
    using reservation = await waiting;
    expect(reservation.port).toBe(taken.port);
  });
});

describe('is refused', () => {
  const reject = (options: unknown) =>
    rejection(
      Promise.resolve(Reflect.apply(reservePortWhenFree, undefined, [options]) as Promise<unknown>),
    );

  test.each(badIntegers(0, 0x7fffffff, 'optional'))('the wait $shown', async ({ value, code }) => {
    expect(await reject({ port: 3000, wait: value })).toMatchObject({
      code,
      message: expect.stringContaining('options.wait'),
    });
  });

  test.each([
    ['options', undefined],
    ['options', 3000],
    ['options.port', {}],
    ['options.port', { port: '3000' }],
    ['options.port', { port: [] }],
    ['options.signal', { port: 3000, signal: {} }],
    ['options.protocol', { port: 3000, protocol: 'sctp' }],
  ])('%s: %j', async (name, options) => {
    expect(await reject(options)).toMatchObject({
      code: expect.stringMatching(/^ERR_INVALID_ARG/),
      message: expect.stringContaining(name),
    });
  });

  test('no wait but the one that is asked for: strict: false changes nothing', async () => {
    using taken = reservePort({ port: quietPorts() });
    const options: WhenFreeOptions & { strict: boolean } = {
      port: taken.port,
      wait: 0,
      strict: false,
    };
    expect(await rejection(reservePortWhenFree(options))).toMatchObject({ code: 'EADDRINUSE' });
  });
});
