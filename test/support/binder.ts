import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { PortReservation } from '../../src/index';
import { dist, fixture } from './paths';

/** What test/fixtures/reservation/binder.py is told. */
interface Order {
  host: string;
  port: number;
  options?: number[];
  type?: number;
  protocol?: number;
  from?: 'thread' | 'child';
  keep?: boolean;
}

export interface Binder {
  child: ChildProcess;
  /** The next line that it prints. */
  line(): Promise<string>;
  /** "ok", or the error's name. */
  bind(order: Order): Promise<string>;
}

/** The lines that a program prints, one at each call. */
export function linesOf({ stdout }: ChildProcess): () => Promise<string> {
  if (!stdout) throw new Error('no stdout');
  const lines = createInterface(stdout)[Symbol.asyncIterator]();
  return async () => (await lines.next()).value ?? 'ended';
}

/** A program that reads orders from `input`, or one whose child does. It ends with the test at the latest. */
async function binder(child: ChildProcess, input: ChildProcess['stdio'][number]): Promise<Binder> {
  if (!input || !('write' in input)) throw new Error('no pipe');
  onTestFinished(() => {
    child.kill('SIGKILL');
    input.destroy();
  });
  const next = linesOf(child);
  await next();
  return {
    child,
    line: next,
    bind(order) {
      input.write(`${JSON.stringify(order)}\n`);
      return next();
    },
  };
}

export function guardedBinder(reservation: PortReservation): Promise<Binder> {
  const child = reservation.spawn('python3', [fixture('reservation/binder.py')], {
    pass: 'guarded',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return binder(child, child.stdin);
}

/** One that another process guards, whose script starts it by `eval(process.env.GUARD)`. */
export function binderOf(script: string, port: number): Promise<Binder> {
  const guard = `globalThis.kept = require(${JSON.stringify(dist)}).reservePort({ port: ${port} });
    kept.spawn('python3', [${JSON.stringify(fixture('reservation/binder.py'))}],
      { pass: 'guarded', stdio: [3, 'inherit', 'inherit'] });`;
  const child = spawn(process.execPath, ['-e', script], {
    env: { ...process.env, GUARD: guard },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  // Not its stdin, which Node closes with the process.
  return binder(child, child.stdio[3]);
}
