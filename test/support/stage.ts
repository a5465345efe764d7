import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished } from 'vitest';
import type { PortCause, PortCauseCode, PortReport } from '../../src/index';
import { fixture } from './paths';

/** What stage.py tells when all is in place. */
export interface Stage {
  child: ChildProcess;
  pid: number;
  port: number;
  /** A further process that has part in it. */
  other: number;
  /** Resolves when the process that was staged has ended. */
  ended: Promise<unknown>;
  /** The next line that it tells. */
  next(): Promise<unknown>;
}

interface StageOptions {
  /** The program that starts `python3 stage.py`, with its arguments. */
  before?: readonly string[];
}

function numberIn(told: unknown, name: string): number {
  const value: unknown = Object(told)[name];
  return typeof value === 'number' ? value : 0;
}

/** Starts a stage of test/fixtures/inspection/stage.py, which ends with the test at the latest. */
export async function stage(
  name: string,
  args: readonly (string | number)[] = [],
  { before = [] }: StageOptions = {},
): Promise<Stage> {
  const [command = '', ...rest] = [
    ...before,
    'python3',
    fixture('inspection/stage.py'),
    name,
    ...args.map(String),
  ];
  const child = spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    // Its end ends those that it has started; one that is stopped has to go on for that.
    child.stdin?.end();
    child.kill('SIGCONT');
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`stage ${name} ended`);
    return JSON.parse(value);
  };
  const told = await next();
  return {
    child,
    pid: numberIn(told, 'pid'),
    port: numberIn(told, 'port'),
    other: numberIn(told, 'child'),
    ended: once(child, 'exit'),
    next,
  };
}

/** The only cause of that code. */
export function causeOf({ causes }: PortReport, code: PortCauseCode): PortCause {
  const found = causes.filter(({ cause }) => cause === code);
  if (found.length !== 1) {
    throw new Error(`${code} is not once among: ${causes.map(({ cause }) => cause).join(', ')}`);
  }
  const [cause] = found;
  if (cause === undefined) throw new Error(code);
  expect(cause.message).toMatch(/^\S.*\.$/);
  return cause;
}

export const codesOf = ({ causes }: PortReport) => causes.map(({ cause }) => cause);

/** The command in the first advice that has one, or in the first that matches. */
export function commandIn(advice: readonly string[], pattern = /`/): string {
  const command = advice
    .filter((text) => pattern.test(text))
    .flatMap((text) => /`([^`]+)`/.exec(text)?.[1] ?? [])[0];
  if (command === undefined) throw new Error(`no command in: ${advice.join(' ')}`);
  return command;
}

/** Does what an advice says: runs its command. */
export function follow(advice: readonly string[], pattern?: RegExp): void {
  execFileSync('sh', ['-c', commandIn(advice, pattern)], { stdio: 'pipe' });
}
