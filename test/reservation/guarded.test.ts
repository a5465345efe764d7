import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { reservePort, type SpawnOnPortOptions } from '../../src/index';
import { binderOf, guardedBinder, linesOf } from '../support/binder';
import { freePort } from '../support/free-port';
import { dist, fixture } from '../support/paths';
import { linuxOnly, runWhen } from '../support/platform';
import { allRefused, ask, ended, node, thieves } from '../support/reservations';

const coded = (code: string) => expect.objectContaining({ code });
const guarded = { pass: 'guarded' } as const satisfies SpawnOnPortOptions;
/** It does not set SO_REUSEADDR. */
const stubborn = [fixture('reservation/stubborn_server.py'), '{port}'];
const SO_REUSEPORT = 15;
const SOCK_DGRAM = 2;
const IPPROTO_MPTCP = 262;

describe('a guarded program', linuxOnly('only Linux answers system calls from outside'), () => {
  test('listens without SO_REUSEADDR, and nobody else gets the port before, beside or after it', async () => {
    using reservation = reservePort();
    const child = reservation.spawn(
      'sh',
      ['-c', 'read line; exec python3 "$@"', '-', ...stubborn],
      {
        ...guarded,
        stdio: ['pipe', 'ignore', 'inherit'],
      },
    );
    expect(reservation.state).toBe('guarded');
    expect(await thieves(reservation.port)).toEqual(allRefused);
    child.stdin?.end('go\n');
    expect(await reservation.ready()).toMatchObject({ address: '127.0.0.1' });
    expect(await thieves(reservation.port)).toEqual(allRefused);
    child.kill();
    await ended(child);
    expect(await thieves(reservation.port)).toEqual(allRefused);
    expect(reservation.state).toBe('guarded');
  });

  test('starts again and again beside looping thieves, who are never bound', async () => {
    using reservation = reservePort();
    const thief = [fixture('reservation/restless_thief.py'), String(reservation.port)];
    const others = [0, 1].map(() =>
      spawn('python3', thief, { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const lines = others.map(linesOf);
    for (const next of lines) await next();
    for (let i = 0; i < 4; i++) {
      const child = reservation.spawn('python3', stubborn, { ...guarded, stdio: 'inherit' });
      await reservation.ready();
      // The server closes first: each round leaves a connection in TIME_WAIT.
      await ask(reservation.port);
      child.kill('SIGKILL');
      await ended(child);
    }
    for (const [i, next] of lines.entries()) {
      others[i]?.kill();
      const { tried, bound } = JSON.parse(await next());
      expect(tried).toBeGreaterThan(0);
      expect(bound).toBe(0);
    }
  });

  test.each(['127.0.0.1', '0.0.0.0', '::1', '::', '::ffff:127.0.0.1', '127.1.2.3'])(
    'listens on %s, more than once',
    async (host) => {
      using reservation = reservePort();
      const { port } = reservation;
      const { bind } = await guardedBinder(reservation);
      expect(await bind({ host, port })).toBe('ok');
      expect(await bind({ host, port, from: 'thread' })).toBe('ok');
      expect(await bind({ host, port, from: 'child' })).toBe('ok');
      expect(await bind({ host, port, protocol: IPPROTO_MPTCP })).toMatch(
        /^(ok|EPROTONOSUPPORT|ENOPROTOOPT)$/,
      );
    },
  );

  test('gets what anybody gets for other ports, other protocols and bad addresses', async () => {
    using reservation = reservePort({ host: '127.0.0.1' });
    using other = reservePort();
    const { port } = reservation;
    const { bind } = await guardedBinder(reservation);
    const host = '127.0.0.1';
    expect(await bind({ host, port: other.port })).toBe('EADDRINUSE');
    expect(await bind({ host, port, type: SOCK_DGRAM })).toBe('ok');
    expect(await bind({ host: '192.0.2.1', port })).toBe('EADDRNOTAVAIL');
    expect(await bind({ host, port, keep: true })).toBe('ok');
    expect(await bind({ host, port })).toBe('EADDRINUSE');
  });

  test('may share its port by SO_REUSEPORT; when it has ended nobody comes in with it', async () => {
    using reservation = reservePort();
    const order = { host: '0.0.0.0', port: reservation.port, options: [SO_REUSEPORT], keep: true };
    const { child, bind } = await guardedBinder(reservation);
    expect(await bind(order)).toBe('ok');
    // Two sockets of one group: the connection that the program makes itself may go to the first.
    expect(await bind({ ...order, host: '127.0.0.1' })).toBe('ok');
    child.kill('SIGKILL');
    await ended(child);
    // The guard's thread learns that it has ended when the kernel says so.
    await expect.poll(() => thieves(reservation.port)).toEqual(allRefused);
  });

  test('is one of several', async () => {
    using reservation = reservePort();
    const { port } = reservation;
    const first = await guardedBinder(reservation);
    const second = await guardedBinder(reservation);
    expect(await first.bind({ host: '127.0.0.1', port, keep: true })).toBe('ok');
    expect(await second.bind({ host: '127.0.0.1', port })).toBe('EADDRINUSE');
    expect(await second.bind({ host: '::1', port, keep: true })).toBe('ok');
  });

  test('has its arguments, variables and descriptors as without a guard', async () => {
    using reservation = reservePort();
    const script = `require('fs').writeSync(3, [process.argv0, process.env.PORT, process.argv[1], process.cwd()].join());
      process.send(require('fs').readdirSync('/proc/self/fd').length); process.disconnect()`;
    const start = (options: SpawnOnPortOptions) => {
      const child = reservation.spawn(process.execPath, ['-e', script, '{port}'], {
        ...options,
        cwd: '/',
        argv0: 'another',
        stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'],
      });
      const [, , , pipe] = child.stdio;
      if (pipe === null || pipe === undefined || !('read' in pipe)) throw new Error('no pipe');
      return Promise.all([text(pipe), once(child, 'message').then(([count]) => count)]);
    };
    const [said, descriptors] = await start(guarded);
    const { port } = reservation;
    expect(said).toBe(`another,${port},${port},/`);
    reservation.unshare();
    expect(await start({})).toEqual([said, descriptors]);
  });

  test.each([true, '/bin/bash'])('is a command line of the shell with shell: %s', async (shell) => {
    using reservation = reservePort();
    const child = reservation.spawn('echo $0', ['$PORT', '"a  b"'], { ...guarded, shell });
    expect(child.stdout && (await text(child.stdout))).toBe(
      `${shell === true ? '/bin/sh' : shell} ${reservation.port} a  b\n`,
    );
  });

  test.each([
    ['no-such-program', 127, 'No such file or directory'],
    ['/dev/null', 126, 'Permission denied'],
  ])('that can not be started, %s, ends as in a shell', async (command, status, reason) => {
    using reservation = reservePort();
    const child = reservation.spawn(command, guarded);
    const message = child.stderr && text(child.stderr);
    await expect(reservation.ready()).rejects.toThrow(
      `${command} exited with status ${status} before it listened`,
    );
    expect(await message).toBe(`bindport: ${command}: ${reason}\n`);
  });

  test('binds as anybody once the guard has gone, by unshare or release', async () => {
    const reservation = reservePort();
    const { port } = reservation;
    const { bind } = await guardedBinder(reservation);
    const host = '127.0.0.1';
    reservation.unshare();
    expect(reservation.state).toBe('held');
    expect(await bind({ host, port })).toBe('EADDRINUSE');
    expect(await thieves(port)).toEqual(allRefused);
    reservation.release();
    expect(await bind({ host, port })).toBe('ok');
  });

  test("goes on when the worker that guards it is terminated, and the port is nobody's then", async () => {
    const port = await freePort();
    // The addon is loaded in the worker alone, and so unloaded with it.
    const script = `const { Worker } = require('worker_threads');
      const worker = new Worker(process.env.GUARD + ';setInterval(() => {}, 1e6)', { eval: true });
      worker.once('exit', () => console.log('terminated'));
      process.once('SIGTERM', () => worker.terminate());
      setInterval(() => {}, 1e6);`;
    const { child, line, bind } = await binderOf(script, port);
    expect(await thieves(port)).toEqual(allRefused);
    expect(await bind({ host: '127.0.0.1', port })).toBe('ok');
    child.kill('SIGTERM');
    expect(await line()).toBe('terminated');
    expect(await thieves(port)).toMatchObject({ none: ['TOOK'] });
    expect(await bind({ host: '127.0.0.1', port })).toBe('ok');
  });

  test('can bind nothing any more when the process that guards it is gone', async () => {
    const { child, bind } = await binderOf('eval(process.env.GUARD)', await freePort());
    const order = { host: '127.0.0.1', port: 0, type: SOCK_DGRAM };
    expect(await bind(order)).toBe('ok');
    child.kill('SIGKILL');
    await ended(child);
    expect(await bind(order)).toBe('ENOSYS');
  });

  test('is none beside a share, a server or another strategy', async () => {
    using reservation = reservePort();
    reservation.share();
    expect(() => reservation.spawn('true', guarded)).toThrow(coded('ERR_RESERVATION_SHARED'));
    reservation.unshare();
    const server = createServer();
    await reservation.listen(server);
    expect(() => reservation.spawn('true', guarded)).toThrow(coded('ERR_RESERVATION_LISTENING'));
    server.close();
    await once(server, 'close');
    reservation.spawn('true', guarded);
    await expect(reservation.listen(createServer())).rejects.toThrow(
      coded('ERR_RESERVATION_SHARED'),
    );
    using pair = reservePort({ strategy: 'connected-pair' });
    expect(() => pair.spawn('true', guarded)).toThrow(
      expect.objectContaining({
        code: 'ERR_RESERVATION_UNGUARDED',
        message: `Port ${pair.port} can't be guarded here: it takes the strategy 'bound'. It can be shared instead`,
      }),
    );
    expect(pair.state).toBe('held');
  });

  test('can guard none itself: the reason names the call, and the port is held as before', async () => {
    using reservation = reservePort();
    const script = `const reservation = require(process.argv[1]).reservePort();
      try { reservation.spawn('true', { pass: 'guarded' }) }
      catch ({ code, message }) { console.log(code, message, reservation.state) }`;
    const child = reservation.spawn(process.execPath, ['-e', script, dist], guarded);
    expect(child.stdout && (await text(child.stdout))).toMatch(
      /^ERR_RESERVATION_UNGUARDED Port \d+ can't be guarded here: seccomp: Device or resource busy\. .* held\n$/,
    );
  });

  test('leaves no descriptor behind', async () => {
    const output = await node(`
      const open = () => require('fs').readdirSync('/proc/self/fd').length;
      const start = async (pass) => {
        const reservation = bindport.reservePort();
        const child = reservation.spawn('true', { pass, stdio: 'ignore' });
        await new Promise((resolve) => child.once('close', resolve));
        try { reservation.spawn('true', { pass, stdio: 'wrong' }) } catch {}
        reservation.release();
      };
      (async () => {
        await start('port');
        const before = open();
        await start('guarded');
        await start('guarded');
        // The thread has its own until the kernel has told it of the end.
        while (open() > before) await new Promise(setImmediate);
        console.log('none');
      })();`);
    expect(output).toBe('none');
  });
});

test(
  'a port is not guarded where the system can not: the error says so',
  runWhen(process.platform !== 'linux', 'Linux can'),
  () => {
    using reservation = reservePort();
    expect(() => reservation.spawn('true', guarded)).toThrow(
      expect.objectContaining({
        code: 'ERR_RESERVATION_UNGUARDED',
        message: expect.stringContaining('only Linux lets a process answer system calls'),
      }),
    );
    expect(reservation.state).toBe('held');
  },
);
