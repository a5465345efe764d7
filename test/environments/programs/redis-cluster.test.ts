import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { type PortReservation, reservePorts } from '../../../src/index';
import { allRefused, ended, thieves } from '../../support/reservations';
import { findProgram } from './find-program';

const folder = mkdtempSync(join(tmpdir(), 'bindport-redis-cluster-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`${name} is missing: npm run test:programs installs it`);
  return found;
}

/** A node's port, and its bus, which Redis puts 10,000 above. */
function nodePorts(): readonly [PortReservation, PortReservation] {
  const [port, bus] = reservePorts([0, 10_000]);
  if (port === undefined || bus === undefined) throw new Error('two ports were asked for');
  onTestFinished(() => {
    port.release();
    bus.release();
  });
  bus.share();
  return [port, bus];
}

async function startNode([port]: readonly [PortReservation, PortReservation]) {
  const args = ['--port', '{port}', '--dir', folder, '--save', '', '--bind', '127.0.0.1'];
  const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', `${port.port}.conf`];
  const child = port.spawn(program('redis-server'), [...args, ...cluster], { stdio: 'ignore' });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await port.ready();
  return child;
}

async function tell(port: number, ...command: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program('redis-cli'), [
    ...['-p', String(port)],
    ...command,
  ]);
  return stdout;
}

test('two nodes of a Redis cluster meet, each on its pair of ports, and again after a kill', async () => {
  const first = nodePorts();
  const second = nodePorts();
  const nodes: ChildProcess[] = [await startNode(first), await startNode(second)];
  const [{ port: here }, { port: there }] = [first[0], second[0]];
  expect(await tell(here, 'cluster', 'meet', '127.0.0.1', String(there))).toBe('OK\n');
  const sees = (at: number, other: number) =>
    expect
      .poll(() => tell(at, 'cluster', 'nodes'), { timeout: 30_000 })
      .toMatch(new RegExp(`127\\.0\\.0\\.1:${other}@${other + 10_000}\\S* master - .* connected`));
  await sees(here, there);
  await sees(there, here);
  // It writes down whom it has met a while later.
  expect(await tell(there, 'cluster', 'saveconfig')).toBe('OK\n');

  const [, killed] = nodes;
  if (killed === undefined) throw new Error('two nodes were started');
  killed.kill('SIGKILL');
  await ended(killed);
  await startNode(second);
  await sees(there, here);
  for (const { port } of [...first, ...second]) expect(await thieves(port)).toEqual(allRefused);
});
