import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { reservePort, type Strategy } from '../../src/index';
import { strategies, tcpStrategies } from '../../src/reservation/strategies/table';
import { freePort, quietPorts } from '../support/free-port';
import { dist, fixture } from '../support/paths';
import { runWhen, unixOnly } from '../support/platform';
import { allRefused, ask, ended, node, thieves } from '../support/reservations';

/** Closes the connection first, so that its end stays in TIME_WAIT. */
function greeter(): Server {
  return createServer((socket) => socket.resume().end('hi'));
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** Not on Windows, say, for those that share a port by SO_REUSEADDR: there it gives the port away. */
function worksHere(strategy: Strategy) {
  return runWhen(tcpStrategies[strategy].supported, `the platform does not support ${strategy}`);
}

/** What reservePort says, in a process that takes itself for one on that platform. */
async function strategyOn(platform: string): Promise<string> {
  const script = `
    Object.defineProperty(process, 'platform', { value: ${JSON.stringify(platform)} });
    const reservation = require(${JSON.stringify(dist)}).reservePort();
    console.log(reservation.strategy);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script]);
  return stdout.trim();
}

describe('the default strategy', () => {
  test.each([
    ['linux', 'bound'],
    ['android', 'bound'],
    ['darwin', 'connected-pair'],
    ['freebsd', 'connected-pair'],
    ['win32', 'release'],
  ])('on %s is %s', unixOnly('the addon is built for one platform'), async (platform, strategy) => {
    expect(await strategyOn(platform)).toBe(strategy);
  });
});

for (const strategy of strategies)
  describe(`strategy ${strategy}`, worksHere(strategy), () => {
    const options = { strategy, host: ['0.0.0.0', '::1'] };

    test('tells its name', () => {
      using reservation = reservePort({ strategy });
      expect(reservation.strategy).toBe(strategy);
    });

    test(
      'lets nobody in while the port is held',
      unixOnly('its other programs are written in Python'),
      async () => {
        using reservation = reservePort(options);
        expect(await thieves(reservation.port)).toEqual(allRefused);
      },
    );

    test(
      'lets nobody in beside a server of this process, nor after it, TIME_WAIT or not',
      unixOnly('its other programs are written in Python'),
      async () => {
        using reservation = reservePort(options);
        const server = greeter();
        await reservation.listen(server);
        expect(await thieves(reservation.port)).toEqual(allRefused);
        expect(await ask(reservation.port)).toBe('hi');
        await closed(server);
        expect(reservation.state).toBe('held');
        expect(await thieves(reservation.port)).toEqual(allRefused);
      },
    );

    test(
      'lets nobody in after a server that was closed as soon as it listened',
      unixOnly('its other programs are written in Python'),
      async () => {
        using reservation = reservePort(options);
        const server = greeter();
        server.once('listening', () => server.close());
        await reservation.listen(server);
        expect(reservation.state).toBe('held');
        expect(await thieves(reservation.port)).toEqual(allRefused);
      },
    );

    test(
      'lets nobody in when a server or a program could not be served',
      unixOnly('its other programs are written in Python'),
      async () => {
        using reservation = reservePort({ strategy, host: '0.0.0.0' });
        for (const wrong of [{ backlog: -1 }, { host: '192.0.2.1' }]) {
          await expect(reservation.listen(greeter(), wrong)).rejects.toThrow();
          expect(await thieves(reservation.port)).toEqual(allRefused);
        }
        const noDirectory = { pass: 'fd', cwd: '\0' } as const;
        expect(() => reservation.spawn('true', [], noDirectory)).toThrow(TypeError);
        expect(reservation.state).toBe('held');
        expect(await thieves(reservation.port)).toEqual(allRefused);
      },
    );

    test('has one server after another listen on the port at once', async () => {
      using reservation = reservePort({ strategy });
      for (let i = 0; i < 20; i++) {
        const server = greeter();
        await reservation.listen(server);
        expect(await ask(reservation.port)).toBe('hi');
        await closed(server);
      }
    });

    test('leaves the port free when it is released', async () => {
      const host = ['127.0.0.1', '::1'];
      const reservation = reservePort({ strategy, host, port: quietPorts() });
      const { port } = reservation;
      reservation.share();
      reservation.release();
      using again = reservePort({ port, host: '127.0.0.1' });
      expect(again.port).toBe(port);
    });

    test('keeps on serving after it is released', async () => {
      const reservation = reservePort({ strategy });
      const server = greeter();
      await reservation.listen(server);
      reservation.release();
      expect(await ask(reservation.port)).toBe('hi');
      await closed(server);
    });

    test('falls back from a port that is taken', () => {
      using first = reservePort({ strategy });
      using second = reservePort({ strategy, port: first.port });
      expect(second.port).not.toBe(first.port);
    });
  });

for (const strategy of strategies.filter((name) => name !== 'release'))
  describe(`a shared port, ${strategy}`, worksHere(strategy), () => {
    const options = { strategy, host: ['0.0.0.0', '::1'] };

    test(
      'takes programs with SO_REUSEADDR, and no others',
      unixOnly('its other programs are written in Python'),
      async () => {
        using reservation = reservePort(options);
        expect(reservation.share()).toBe(reservation.port);
        expect(await thieves(reservation.port)).toEqual({
          ...allRefused,
          reuseAddress: ['TOOK'],
          both: ['TOOK'],
        });
      },
    );

    test(
      'takes nobody while a program listens on it',
      unixOnly('its other programs are written in Python'),
      async () => {
        using reservation = reservePort({ ...options, host: '127.0.0.1' });
        reservation.share();
        const server = createServer();
        server.listen(reservation.port, '127.0.0.1');
        await once(server, 'listening');
        expect(await thieves(reservation.port)).toEqual(allRefused);
        await closed(server);
      },
    );

    test(
      'takes nobody after unshare, whether a program listens or has listened',
      unixOnly('its other programs are written in Python'),
      async () => {
        using reservation = reservePort(options);
        const server = greeter();
        server.listen(reservation.share(), '127.0.0.1');
        await once(server, 'listening');
        reservation.unshare();
        expect(await thieves(reservation.port)).toEqual(allRefused);
        expect(await ask(reservation.port)).toBe('hi');
        await closed(server);
        expect(await thieves(reservation.port)).toEqual(allRefused);
        server.listen(reservation.port, '127.0.0.1');
        const [error] = await once(server, 'error');
        expect(error).toMatchObject({ code: 'EADDRINUSE' });
        server.listen(reservation.share(), '127.0.0.1');
        await once(server, 'listening');
        await closed(server);
      },
    );

    test('is left alone by every choice of the kernel', () => {
      using reservation = reservePort({ strategy });
      reservation.share();
      const others = Array.from({ length: 2000 }, () => reservePort({ host: '127.0.0.1' }));
      expect(others.map(({ port }) => port)).not.toContain(reservation.port);
      for (const other of others) other.release();
    });
  });

describe('strategy bound', worksHere('bound'), () => {
  test('lets a program listen wherever it likes when no host was given', async () => {
    using reservation = reservePort();
    const port = reservation.share();
    for (const host of ['127.0.0.1', '::1', '0.0.0.0', '::', '127.0.0.2']) {
      const server = createServer().listen(port, host);
      await once(server, 'listening');
      await closed(server);
    }
  });

  test('keeps the SO_REUSEADDR of its connections, so that a program can follow', async () => {
    using reservation = reservePort();
    const server = createHttpServer((_, response) => response.end('hi'));
    await reservation.listen(server);
    // HTTP/1.0: the server closes first.
    expect(await ask(reservation.port, '127.0.0.1', 'GET / HTTP/1.0\r\n\r\n')).toContain('hi');
    await closed(server);
    const program = createServer().listen(reservation.share());
    await once(program, 'listening');
    await closed(program);
  });
});

describe('strategy connected-pair', worksHere('connected-pair'), () => {
  test('keeps a port that clients try to connect to', async () => {
    const answer = await node(`
      const { spawn } = require('node:child_process');
      const { once } = require('node:events');
      (async () => {
        const port = ${freePort()};
        const clients = spawn(process.execPath, [${JSON.stringify(fixture('reservation/impatient-clients.cjs'))}, port]);
        const dot = () => once(clients.stdout, 'data');
        // The first may have been waiting here.
        const tried = async () => [await dot(), await dot(), await dot()];
        await tried();
        let kept = 0;
        let lost = 0;
        const options = { strategy: 'connected-pair', host: '127.0.0.1', port };
        while (kept < 100) {
          const reservation = bindport.reservePort(options);
          await tried();
          if (reservation.port === port) {
            kept++;
            const other = bindport.reservePort(options);
            if (other.port === port) lost++;
            other.release();
          }
          reservation.release();
        }
        clients.kill();
        console.log(lost);
      })();
    `);
    expect(answer).toBe('0');
  });
});

describe('strategy release', () => {
  test(
    'holds nothing while the port is shared, and takes it again',
    unixOnly('its other programs are written in Python'),
    async () => {
      const host = '127.0.0.1';
      using reservation = reservePort({ strategy: 'release', host, port: quietPorts() });
      const { port } = reservation;
      reservation.share();
      {
        using other = reservePort({ port, host: '127.0.0.1' });
        expect(other.port).toBe(port);
        expect(() => reservation.unshare()).toThrow(
          expect.objectContaining({ code: 'EADDRINUSE' }),
        );
        expect(reservation.state).toBe('shared');
      }
      reservation.unshare();
      expect(await thieves(port)).toEqual(allRefused);
    },
  );

  test('shares all addresses or none', () => {
    using reservation = reservePort({ strategy: 'release', host: ['127.0.0.1', '127.0.0.2'] });
    const { port } = reservation;
    reservation.share();
    using there = reservePort({ port, host: '127.0.0.2' });
    expect(() => reservation.unshare()).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    using here = reservePort({ port, host: '127.0.0.1' });
    expect([here.port, there.port]).toEqual([port, port]);
  });

  test(
    'leaves a shared port to programs when one that was given the socket ends',
    unixOnly('descriptors are not passed there'),
    async () => {
      using reservation = reservePort({ strategy: 'release', host: '127.0.0.1' });
      const { port } = reservation;
      reservation.share();
      await ended(reservation.spawn('true', [], { pass: 'fd' }));
      expect(reservation.state).toBe('shared');
      using other = reservePort({ port, host: '127.0.0.1' });
      expect(other.port).toBe(port);
    },
  );
});
