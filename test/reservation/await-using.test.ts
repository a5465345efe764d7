import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, get } from 'node:http';
import { createConnection, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reservePort } from '../../src/index';
import { fixture } from '../support/paths';
import { linuxOnly, unixOnly } from '../support/platform';
import { ended } from '../support/reservations';

/** The processes that tree.py tells, and what it prints next. They end with the test at the latest. */
async function treeOf(child: ChildProcess) {
  if (!child.stdout) throw new Error('its output is not seen');
  const lines: string[] = [];
  const output = createInterface(child.stdout).on('line', (line) => lines.push(line));
  await once(output, 'line');
  const pids = String(lines.shift()).split(' ').map(Number);
  onTestFinished(() => {
    for (const pid of pids.filter(runs)) process.kill(pid, 'SIGKILL');
  });
  return { pids, lines };
}

/** Whether there is such a process, and it has not ended. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+[XZ]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const tree = (...words: string[]) => [fixture('reservation/tree.py'), ...words];

describe('await using', () => {
  test('ends what spawn has started, then releases the port', unixOnly('SIGTERM'), async () => {
    const reservation = reservePort();
    const child = reservation.spawn('sleep', ['1000']);
    let state = '';
    child.once('exit', () => {
      state = reservation.state;
    });
    await reservation[Symbol.asyncDispose]();
    expect([child.exitCode, child.signalCode]).toEqual([null, 'SIGTERM']);
    expect([state, reservation.state]).toEqual(['shared', 'released']);
  });

  test('ends a program on every platform', async () => {
    const reservation = reservePort();
    const child = reservation.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
    await reservation[Symbol.asyncDispose]();
    expect(child.exitCode ?? child.signalCode).not.toBeNull();
  });

  test.each(['port', 'fd'] as const)(
    'ends all that descends from it, daemons too (pass: %s)',
    linuxOnly('proc(5) tells who descends from whom'),
    async (pass) => {
      const reservation = reservePort();
      const child = reservation.spawn('python3', tree(), { pass });
      const { pids } = await treeOf(child);
      expect(pids.filter(runs)).toEqual(pids);
      await reservation[Symbol.asyncDispose]();
      expect(pids.filter(runs)).toEqual([]);
    },
  );

  test('ends those that a program has left behind', linuxOnly('proc(5)'), async () => {
    const reservation = reservePort();
    const child = reservation.spawn('python3', tree());
    const { pids } = await treeOf(child);
    child.kill('SIGKILL');
    await ended(child);
    expect(pids.filter(runs)).toEqual(pids.slice(1));
    await reservation[Symbol.asyncDispose]();
    expect(pids.filter(runs)).toEqual([]);
  });

  test('ends with SIGKILL what SIGTERM does not end, asked once', {
    ...linuxOnly('proc(5)'),
    timeout: 20_000,
  }, async () => {
    const reservation = reservePort();
    const child = reservation.spawn('python3', tree('stubborn'));
    const { pids, lines } = await treeOf(child);
    await reservation[Symbol.asyncDispose]();
    expect(pids.filter(runs)).toEqual([]);
    expect(child.signalCode).toBe('SIGKILL');
    expect(lines).toEqual(['ignored', 'ignored', 'ignored']);
  });

  test('leaves others alone: what spawn has not started', linuxOnly('proc(5)'), async () => {
    using other = reservePort();
    const reservation = reservePort();
    const children = [other, reservation].map((one) => one.spawn('python3', tree()));
    const [first, second] = await Promise.all(children.map(treeOf));
    await reservation[Symbol.asyncDispose]();
    expect(second?.pids.filter(runs)).toEqual([]);
    expect(first?.pids.filter(runs)).toEqual(first?.pids);
  });

  test('can be called twice at once, and without a program', async () => {
    const reservation = reservePort();
    reservation.spawn('/nonexistent');
    await Promise.all([reservation[Symbol.asyncDispose](), reservation[Symbol.asyncDispose]()]);
    expect(reservation.state).toBe('released');
  });

  const eventStream = () =>
    createHttpServer((_, response) => response.writeHead(200).write('data: 1\n\n'));
  const silent = () => createServer((socket) => socket.resume().write('hello'));

  test.each<[string, () => Server]>([
    ['an event stream', eventStream],
    ['a connection of net', silent],
  ])('does not wait for ever for a client: %s', { timeout: 20_000 }, async (_, create) => {
    const server = create();
    const reservation = reservePort();
    const { port } = await reservation.listen(server);
    const client = createConnection({ port, host: '127.0.0.1' });
    client.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'data');
    const closed = once(client, 'close');
    await reservation[Symbol.asyncDispose]();
    await closed;
    expect(server.listening).toBe(false);
    expect(reservation.state).toBe('released');
  });

  test('waits for an answer that is under way', async () => {
    let answer: (() => void) | undefined;
    const server = createHttpServer((_, response) => {
      answer = () => response.end('whole');
    });
    const reservation = reservePort();
    const { port } = await reservation.listen(server);
    const request = get({ port, host: '127.0.0.1', agent: false });
    await once(server, 'request');
    const disposed = reservation[Symbol.asyncDispose]();
    answer?.();
    const [response] = await once(request, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    expect(text).toBe('whole');
    await disposed;
  });

  test('leaves no listener on a server that is used again', async () => {
    const server = createServer();
    const before = server.eventNames().map((name) => [name, server.listenerCount(name)]);
    for (let i = 0; i < 3; i++) {
      await using reservation = reservePort();
      await reservation.listen(server);
    }
    expect(server.eventNames().map((name) => [name, server.listenerCount(name)])).toEqual(before);
  });
});

test('release leaves the program alone', unixOnly('SIGTERM'), async () => {
  const reservation = reservePort();
  const child = reservation.spawn('sleep', ['1000']);
  reservation.release();
  expect(child.kill(0)).toBe(true);
  child.kill();
  expect(await ended(child)).toEqual([null, 'SIGTERM']);
});
