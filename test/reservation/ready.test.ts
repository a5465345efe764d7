import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reservePort, SocketHandle } from '../../src/index';
import { fixture } from '../support/paths';
import { unixOnly } from '../support/platform';
import { ask, ended, node } from '../support/reservations';

const coded = (code: string) => expect.objectContaining({ code });
const echoServer = [fixture('reservation/echo-server.cjs'), '{port}'];

describe('ready', () => {
  test('waits for a program that somebody else starts', async () => {
    using reservation = reservePort();
    const port = reservation.share();
    const ready = reservation.ready();
    const server = createServer().listen(port);
    expect(await ready).toMatchObject({ port });
    server.close();
  });

  test('rejects with the error of a program that can not be started', async () => {
    using reservation = reservePort();
    const child = reservation.spawn('/nonexistent');
    child.on('error', () => {});
    await expect(reservation.ready()).rejects.toThrow(coded('ENOENT'));
  });

  test('says how the program ended', unixOnly('its other programs are Unix shells'), async () => {
    using reservation = reservePort();
    reservation.spawn('sh', ['-c', 'kill -9 $$']);
    await expect(reservation.ready()).rejects.toThrow(/sh was ended by SIGKILL/);
    reservation.spawn('sh', ['-c', 'exit 7']);
    await expect(reservation.ready()).rejects.toThrow(/sh exited with status 7/);
  });

  test(
    'finds the program that another one has left in the background',
    unixOnly('its other programs are Unix shells'),
    async () => {
      using reservation = reservePort();
      // As a daemon does it: the first program ends when the second one listens.
      const server = `require('net').createServer((s) => s.end(() => process.exit())).listen(process.env.PORT, () => console.log('listening'))`;
      const script = '"$0" -e "$1" >"$2" & read line <"$2"';
      const folder = await mkdtemp(join(tmpdir(), 'bindport-daemon-'));
      try {
        const pipe = join(folder, 'pipe');
        execFileSync('mkfifo', [pipe]);
        const args = ['-c', script, process.execPath, server, pipe];
        const child = reservation.spawn('sh', args, { stdio: 'ignore' });
        const early = reservation.ready();
        expect(await ended(child)).toEqual([0, null]);
        for (const ready of [early, reservation.ready()]) {
          expect(await ready).toMatchObject({ port: reservation.port });
        }
        await ask(reservation.port);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );

  test('gives up in time', async () => {
    using reservation = reservePort();
    reservation.share();
    await expect(reservation.ready({ timeout: 20 })).rejects.toThrow(
      coded('ERR_RESERVATION_TIMEOUT'),
    );
  });

  test(
    'is not noticed by the program',
    unixOnly('the port is held meanwhile; there it is released'),
    async () => {
      using reservation = reservePort();
      const script = `
      let connections = 0;
      require('net').createServer((s) => s.resume().end(String(++connections))).listen(process.argv[1]);
    `;
      const child = reservation.spawn(process.execPath, ['-e', script, '{port}']);
      await Promise.all([reservation.ready(), reservation.ready(), reservation.ready()]);
      expect(await ask(reservation.port)).toBe('1');
      child.kill();
      await ended(child);
    },
  );

  test('finds a program by connecting to it where nothing holds the port', async () => {
    using reservation = reservePort({ strategy: 'release', host: '127.0.0.1' });
    const child = reservation.spawn(process.execPath, echoServer);
    expect(await reservation.ready()).toMatchObject({ address: '127.0.0.1' });
    expect(await ask(reservation.port)).toBe(String(child.pid));
    child.kill();
    await ended(child);
  });

  test(
    'ends in time although a server does not answer',
    unixOnly('a full queue answers there'),
    async () => {
      using reservation = reservePort({ strategy: 'release', host: '127.0.0.1' });
      using server = new SocketHandle();
      server.bind('127.0.0.1', reservation.share());
      server.listen(0);
      // Its queue holds one connection; the kernel leaves those that come after it waiting.
      using first = new SocketHandle();
      first.connect('127.0.0.1', reservation.port);
      const abort = new AbortController();
      const ready = reservation.ready({ signal: abort.signal });
      const reason = new Error('enough');
      setImmediate(() => abort.abort(reason));
      await expect(ready).rejects.toBe(reason);
    },
  );

  test(
    'says that it can not look without a descriptor',
    unixOnly('it needs none there'),
    async () => {
      const answer = await node(
        `
      const { closeSync, openSync } = require('node:fs');
      const reservation = bindport.reservePort();
      reservation.share();
      const open = [];
      try { for (;;) open.push(openSync('/dev/null')); } catch {}
      reservation.ready().catch(({ code, syscall }) => {
        open.forEach((fd) => closeSync(fd));
        reservation.release();
        console.log(code, syscall);
      });
    `,
        { openFiles: 100 },
      );
      expect(answer).toMatch(/^EMFILE (open|socket)$/);
    },
  );

  test('ends with its signal, and with the reservation', async () => {
    using reservation = reservePort();
    reservation.share();
    const reason = new Error('enough');
    await expect(reservation.ready({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const ready = reservation.ready({ signal: abort.signal });
    abort.abort(reason);
    await expect(ready).rejects.toBe(reason);
    const other = reservation.ready();
    reservation.release();
    await expect(other).rejects.toThrow(coded('ERR_RESERVATION_RELEASED'));
  });

  test.each([[{ timeout: 0 }], [{ timeout: '1' }], [{ signal: {} }], [null]])(
    'refuses %j',
    async (options) => {
      using reservation = reservePort();
      reservation.share();
      await expect(Reflect.apply(reservation.ready, reservation, [options])).rejects.toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_(INVALID|OUT)/) }),
      );
    },
  );
});
