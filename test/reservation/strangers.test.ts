import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reservePort } from '../../src/index';
import { fixture } from '../support/paths';
import { linuxOnly, unixOnly } from '../support/platform';
import { ask, ended } from '../support/reservations';

const listener = (...words: string[]) => [fixture('reservation/listener.py'), ...words];
const listening = ['{port}'];
/** What never ends by itself, and listens on nothing. */
const idler = ['-e', 'setInterval(() => {}, 1e6)'];

function endedWithTest<Child extends ChildProcess>(child: Child): Child {
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

interface Told {
  pid: number;
  /** The next line that it prints. */
  line(): Promise<string>;
}

/** The process that listener.py has become, which ends with the test at the latest. */
async function told(child: ChildProcess): Promise<Told> {
  if (!child.stdout) throw new Error('its output is not seen');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async () => String((await lines.next()).value);
  const pid = Number(await line());
  onTestFinished(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
  return { pid, line };
}

/** A listener that no reservation has started. */
async function stranger(port: number, ...words: string[]): Promise<Told & { child: ChildProcess }> {
  const child = spawn('python3', listener(String(port), ...words));
  const found = await told(child);
  expect(await found.line()).toBe('listening');
  return { ...found, child };
}

const taken = ({ pid }: Told, port: number) =>
  expect.objectContaining({
    code: 'ERR_RESERVATION_TAKEN',
    pid,
    port,
    command: expect.stringContaining(`listener.py ${port}`),
    message: expect.stringMatching(`^Process ${pid} \\(.*listener\\.py ${port}`),
  });

describe('a stranger that listens on a shared port', linuxOnly('proc(5) tells who listens'), () => {
  test.each([[[]], [['overwrite']]])(
    'is not taken for a program that does not listen: %s',
    async (words) => {
      using reservation = reservePort();
      const other = await stranger(reservation.share(), ...words);
      endedWithTest(reservation.spawn(process.execPath, idler));
      await expect(reservation.ready()).rejects.toThrow(taken(other, reservation.port));
    },
  );

  test('is not taken for the program when it is the younger one', async () => {
    using reservation = reservePort();
    endedWithTest(reservation.spawn(process.execPath, idler));
    const other = await stranger(reservation.port);
    await expect(reservation.ready()).rejects.toThrow(taken(other, reservation.port));
  });

  test('is named when the program has failed', async () => {
    using reservation = reservePort();
    const other = await stranger(reservation.share());
    const child = reservation.spawn('python3', listener(...listening), { stdio: 'ignore' });
    const ready = reservation.ready();
    await expect(ready).rejects.toThrow(taken(other, reservation.port));
    expect(await ended(child)).toEqual([1, null]);
    await expect(reservation.ready()).rejects.toThrow(taken(other, reservation.port));
  });

  test('is named when the time is up', async () => {
    using reservation = reservePort();
    const other = await stranger(reservation.share());
    endedWithTest(reservation.spawn(process.execPath, idler));
    const ready = reservation.ready({ timeout: 500 });
    await expect(ready).rejects.toThrow(taken(other, reservation.port));
  });

  test('is waited for while it ends: the program may try again', async () => {
    using reservation = reservePort();
    const other = await stranger(reservation.share());
    const script = `
      const server = require('net').createServer((socket) => socket.resume().end('ours'));
      const listen = () => server.listen(process.argv[1], '127.0.0.1');
      server.on('error', () => { console.log('in use'); setTimeout(listen, 5); });
      listen();
    `;
    const child = endedWithTest(reservation.spawn(process.execPath, ['-e', script, '{port}']));
    child.stdout?.once('data', () => other.child.kill());
    expect(await reservation.ready()).toMatchObject({ port: reservation.port });
    expect(await ask(reservation.port)).toBe('ours');
  });

  test('counts where it shares the port with the program, too', async () => {
    using reservation = reservePort();
    reservation.share();
    const child = reservation.spawn('python3', listener(...listening, 'reuseport', 'wait'));
    const { pid, line } = await told(child);
    process.kill(pid, 'SIGUSR1');
    expect(await line()).toBe('listening');
    const other = await stranger(reservation.port, 'reuseport');
    await expect(reservation.ready()).rejects.toThrow(taken(other, reservation.port));
  });

  test('is named so that a terminal does not obey its command', async () => {
    using reservation = reservePort();
    const server =
      'require("net").createServer().listen(process.argv[1], () => console.log("listening"))';
    const port = String(reservation.share());
    const other = spawn(process.execPath, ['-e', server, port], { argv0: 'n\x1b[31mode' });
    await once(endedWithTest(other).stdout, 'data');
    endedWithTest(reservation.spawn(process.execPath, idler));
    await expect(reservation.ready({ timeout: 500 })).rejects.toThrow(
      expect.objectContaining({
        command: expect.stringContaining('n\x1b[31mode -e'),
        message: expect.stringContaining(`Process ${other.pid} (n\\x1b[31mode -e`),
      }),
    );
  });

  test('is less than a program that does not exist', async () => {
    using reservation = reservePort();
    await stranger(reservation.share());
    reservation.spawn('/nonexistent');
    const ready = reservation.ready();
    await expect(ready).rejects.toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});

describe('a listener is the program’s', linuxOnly('proc(5) tells who listens'), () => {
  test('when npm has started it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bindport-npm-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const start = `python3 ${fixture('reservation/listener.py')} $PORT`;
    await writeFile(join(folder, 'package.json'), JSON.stringify({ scripts: { start } }));
    using reservation = reservePort();
    const child = reservation.spawn('npm', ['start', '--silent'], { cwd: folder });
    const [ready, { pid }] = await Promise.all([reservation.ready(), told(child)]);
    expect(ready).toMatchObject({ address: '127.0.0.1' });
    expect(pid).not.toBe(child.pid);
  });

  test.each([[['daemon', 'wait']], [['daemon', 'overwrite', 'wait']]])(
    'when it is a daemon that listens long after the program has ended: %s',
    async (words) => {
      using reservation = reservePort();
      const child = reservation.spawn('python3', listener(...listening, ...words));
      const { pid } = await told(child);
      expect(await ended(child)).toEqual([0, null]);
      const ready = reservation.ready();
      process.kill(pid, 'SIGUSR1');
      expect(await ready).toMatchObject({ port: reservation.port });
    },
  );

  test('when its environment names other programs that it descends from', async () => {
    using outer = reservePort();
    using reservation = reservePort();
    const first = outer.spawn('sh', ['-c', 'echo $BINDPORT_PROGRAM']);
    const lines = first.stdout && createInterface(first.stdout)[Symbol.asyncIterator]();
    const env = { ...process.env, BINDPORT_PROGRAM: String((await lines?.next())?.value) };
    const child = reservation.spawn('python3', listener(...listening, 'daemon'), { env });
    const { pid } = await told(child);
    expect(await reservation.ready()).toMatchObject({ port: reservation.port });
    // It descends from the outer program, too, and listens on that one's port when it is told to.
    const other = outer.spawn('python3', listener(...listening, 'daemon'), { env });
    expect((await told(other)).pid).not.toBe(pid);
    expect(await outer.ready()).toMatchObject({ port: outer.port });
  });

  test('when it has cleared its environment and kept its parents', async () => {
    using reservation = reservePort();
    const args = ['-i', 'A=1', 'python3', ...listener(...listening)];
    const child = reservation.spawn('sh', ['-c', '"$0" "$@"; true', 'env', ...args]);
    const [ready, { pid }] = await Promise.all([reservation.ready(), told(child)]);
    expect(ready).toMatchObject({ port: reservation.port });
    expect(pid).not.toBe(child.pid);
  });

  test('when it is in the group that the program leads', async () => {
    using reservation = reservePort();
    const args = ['-i', 'A=1', 'python3', ...listener(...listening)];
    const script = '("$0" "$@" &); read line';
    const child = reservation.spawn('sh', ['-c', script, 'env', ...args], { detached: true });
    const [ready] = await Promise.all([reservation.ready(), told(child)]);
    expect(ready).toMatchObject({ port: reservation.port });
    child.stdin?.end();
  });
});

describe('ready({ pid })', linuxOnly('proc(5) tells who listens'), () => {
  test('waits for a program that something else has started, or its descendant', async () => {
    using reservation = reservePort();
    const port = String(reservation.share());
    const script = 'python3 "$0" "$1"; true';
    const child = spawn('sh', ['-c', script, ...listener(port)]);
    const [ready, { pid }] = await Promise.all([
      reservation.ready({ pid: child.pid ?? 0 }),
      told(child),
    ]);
    expect(ready).toMatchObject({ port: reservation.port });
    expect(pid).not.toBe(child.pid);
  });

  test('rejects a stranger', async () => {
    using reservation = reservePort();
    const other = await stranger(reservation.share());
    const child = endedWithTest(spawn(process.execPath, idler));
    const ready = reservation.ready({ pid: child.pid ?? 0 });
    await expect(ready).rejects.toThrow(taken(other, reservation.port));
  });

  test('may name this process', async () => {
    using reservation = reservePort();
    await stranger(reservation.share());
    expect(await reservation.ready({ pid: process.pid })).toMatchObject({ port: reservation.port });
  });

  test('ends with the process', async () => {
    using reservation = reservePort();
    reservation.share();
    const child = spawn(process.execPath, ['-e', '']);
    const ready = reservation.ready({ pid: child.pid ?? 0 });
    await expect(ready).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_RESERVATION_PROGRAM_EXITED' }),
    );
  });

  test.each([0, 1.5, '1', null])('refuses %j', async (pid) => {
    using reservation = reservePort();
    reservation.share();
    await expect(Reflect.apply(reservation.ready, reservation, [{ pid }])).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT)/) }),
    );
  });
});

test(
  'anybody may listen on a port that is only shared',
  unixOnly('its other programs are written in Python'),
  async () => {
    using reservation = reservePort();
    await stranger(reservation.share());
    expect(await reservation.ready()).toMatchObject({ port: reservation.port });
  },
);
