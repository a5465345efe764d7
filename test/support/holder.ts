import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { fixture } from './paths';

export interface Holder {
  child: ChildProcess;
  port: number;
  fd: number;
  pid: number;
}

/** A Python program that listens on 127.0.0.1 until the test ends, with SO_REUSEADDR and a backlog of 7. */
export async function startHolder(...args: string[]): Promise<Holder> {
  const child = spawn('python3', [fixture('inspection/holder.py'), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  const [port = 0, fd = 0, pid = 0] = String(line).split(' ').map(Number);
  return { child, port, fd, pid };
}
