import { type ChildProcess, fork } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { fixture } from './paths';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Fixture {
  child: ChildProcess;
  /** The next message; rejects when the child exits before it sends one. */
  message(): Promise<unknown>;
  exited: Promise<Exit>;
}

export interface StartOptions {
  args?: readonly string[];
  execArgv?: readonly string[];
  /** How many descriptors it may have (RLIMIT_NOFILE). Unix only. */
  openFiles?: number;
}

/** Starts a script of test/fixtures as a process of its own, which ends with the test at the latest. */
export function startFixture(
  name: string,
  { args, execArgv, openFiles }: StartOptions = {},
): Fixture {
  const shell = ['-c', `ulimit -n ${openFiles} && exec "$0" "$@"`, process.execPath];
  const child = fork(fixture(name), args ?? [], {
    ...(openFiles !== undefined && { execPath: '/bin/sh' }),
    execArgv: [...(openFiles === undefined ? [] : shell), ...(execArgv ?? [])],
    silent: true,
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const exited = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  const received: unknown[] = [];
  const waiting: ((message: unknown) => void)[] = [];
  child.on('message', (message) => {
    const take = waiting.shift();
    if (take) take(message);
    else received.push(message);
  });
  const next = () =>
    new Promise<unknown>((resolve, reject) => {
      if (received.length > 0) return resolve(received.shift());
      waiting.push(resolve);
      exited.then((exit) => {
        reject(new Error(`${name} ended (${exit.signal ?? exit.code}): ${exit.stderr}`));
      }, reject);
    });
  return { child, message: next, exited };
}

/** Runs a script that sends one message and ends. */
export async function reportOf(name: string, options: StartOptions = {}): Promise<unknown> {
  const { message, exited } = startFixture(name, options);
  const report = await message();
  const { code, stderr } = await exited;
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`);
  return report;
}
