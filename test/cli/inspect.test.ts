import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { descriptorOf, type SocketReport } from '../../src/index';
import { bindport } from '../support/cli';
import { freePort } from '../support/free-port';
import { linuxOnly } from '../support/platform';

async function listening(): Promise<{ port: number; fd: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, fd: descriptorOf(server) };
}

describe('bindport inspect', linuxOnly('the others show no options of other processes'), () => {
  test('shows the options of a port, and which were changed', async () => {
    const { port, fd } = await listening();
    const { out, err, code } = await bindport('inspect', String(port));
    expect([err, code]).toEqual(['', 0]);
    // The command line may begin a line of its own.
    expect(out).toMatch(new RegExp(`^Descriptor ${fd} of process ${process.pid}:\\s`));
    const [, facts, changed, others = ''] =
      out.match(/\n( +AF_INET, SOCK_STREAM.*?)\n\n( +CHANGED.*?)\n\n(.*)$/s) ?? [];
    expect(facts).toContain(`listen; 127.0.0.1:${port}; 0 of 511 wait`);
    expect(changed).toMatch(/^ +SO_REUSEADDR +true +false$/m);
    expect(others).toMatch(/\bSO_KEEPALIVE +false\b/);
    expect(others).toMatch(/\bTCP_NODELAY +false\b/);
    expect(others).toMatch(/\bTCP_INFO +state=TCP_LISTEN /);
    expect(others).not.toContain('SO_REUSEADDR');
    for (const line of facts?.split('\n') ?? []) expect(line.length).toBeLessThanOrEqual(80);
    for (const line of others.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('shows one descriptor, or all sockets of a process', async () => {
    const { port, fd } = await listening();
    const one = await bindport('inspect', `${process.pid}:${fd}`, '--json');
    const [report]: SocketReport[] = JSON.parse(one.out);
    expect(report).toMatchObject({ pid: process.pid, fd, listening: true, local: { port } });
    const all = await bindport('inspect', String(process.pid), '--json');
    const reports: SocketReport[] = JSON.parse(all.out);
    expect(reports.map((found) => found.local?.port)).toContain(port);
    // Of several sockets only what was changed: each would take a screen.
    const { out } = await bindport('inspect', String(process.pid));
    if (reports.length > 1) {
      expect(out).toMatch(new RegExp(`\\d+ more: bindport inspect ${process.pid}:${fd}$`, 'm'));
      expect(out).not.toContain('TCP_INFO');
    }
  });

  test('exits with 1 where there is no such socket', async () => {
    const { fd } = await listening();
    const closed = await bindport('inspect', `${process.pid}:${fd + 10_000}`);
    expect(closed.code).toBe(1);
    expect(closed.out).toMatch(/the process has\s+no\s+such\s+descriptor/);
    const unused = await bindport('inspect', String(freePort()));
    expect(unused.code).toBe(1);
  });
});

describe('bad use of bindport inspect', () => {
  test.each([
    [[], 'which port, process or descriptor?'],
    [['a'], "PORT or PID must be a whole number of 0 to 2147483647, not 'a'"],
    [['1:x'], "FD must be a whole number of 0 to 2147483647, not 'x'"],
    [['1:2:3'], "PORT, PID or PID:FD, not '1:2:3'"],
    [['0'], '0 is neither a port nor a process'],
    [['1', '2'], "one target, not '1 2'"],
  ])('%j', async (args, message) => {
    const { out, err, code } = await bindport('inspect', ...args);
    expect([out, code]).toEqual(['', 2]);
    expect(err).toContain(message);
  });
});
