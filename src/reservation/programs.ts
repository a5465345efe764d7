import type { ChildProcess } from 'node:child_process';
import { debug, debugging } from '../base/debug';
import { ESRCH, isSystemError, stateError } from '../base/errors';
import { descendantsOf, type Roots, startOf } from '../inspection/kinship';
import { endProcesses } from './ending';
import type { Launch, PassedAs } from './spawn';
import type { Strategy } from './strategies/table';
import { type WayIn, waysIn } from './ways-in';

interface Program {
  readonly child: ChildProcess;
  readonly command: string;
  readonly pass: PassedAs;
  running: boolean;
  /** How it ended: in words, or why it could not be started. */
  end: string | Error;
}

/** How a program ends that has done what it was to do. */
const WELL = 'exited with status 0';

const INSTEAD: Readonly<Record<WayIn, string>> = {
  guarded: "start it with pass: 'guarded'",
  socket: "pass it the socket itself (pass: 'fd' or 'systemd') if it takes one",
};

/** What one can do for a program that has failed: as far as can be told, it found its port in use. */
function adviceFor(pass: PassedAs, strategy: Strategy): string {
  const ways = pass === 'port' ? waysIn(strategy) : undefined;
  if (ways === undefined) return 'Its output says more';
  const instead = ways.map((way) => INSTEAD[way]);
  // Where it can be guarded nobody needs to.
  if (!ways.includes('guarded')) instead.push('release() the port just before it starts');
  return `If it reported the address as in use, it does not set SO_REUSEADDR: ${instead.join(', or ')}`;
}

/** A process that somebody else has started, which is to listen: what a wait asks of it. */
export class OtherProgram {
  readonly #port: number;
  readonly #pid: number;
  readonly roots: Roots;

  constructor(port: number, pid: number) {
    this.#port = port;
    this.#pid = pid;
    this.roots = { running: new Set([pid]), since: startOf(pid) };
  }

  startFailure(): undefined {}

  /** That it has ended, and all of the process group that it may have led. */
  failure(): Error | undefined {
    if (exists(this.#pid) || exists(-this.#pid)) return undefined;
    const message = `Process ${this.#pid} ended before it listened on port ${this.#port}`;
    return stateError('ERR_RESERVATION_PROGRAM_EXITED', message);
  }
}

/** Whether there is such a process, or such a group for a negative number. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: another user's.
    return !isSystemError(error, ESRCH);
  }
}

/** The programs that were started on a reserved port, and how they ended. */
export class Programs {
  readonly #port: number;
  readonly #strategy: Strategy;
  readonly #onEnd: () => void;
  #programs: Program[] = [];
  /** When the first of them was started. */
  #since: number | undefined;
  /** What all that they start inherit. */
  readonly mark = `${process.pid}.${process.hrtime.bigint()}`;

  /** @param onEnd called when one has ended. Whatever it refers to is not collected while one runs. */
  constructor(port: number, strategy: Strategy, onEnd: () => void) {
    this.#port = port;
    this.#strategy = strategy;
    this.#onEnd = onEnd;
  }

  /** Remembers how the program ends. That it could not be started is no uncaught 'error' any more. */
  watch(child: ChildProcess, { command, pass }: Launch): ChildProcess {
    const program: Program = {
      child,
      command,
      pass,
      running: true,
      end: 'has not ended',
    };
    this.#programs = [...this.#programs.filter(({ running }) => running), program];
    // A process that has ended is still told of until its 'exit'.
    if (child.pid !== undefined) this.#since ??= startOf(child.pid);
    if (debugging) {
      debug('port %d: started %s, process %s', this.#port, child.spawnargs.join(' '), child.pid);
    }
    const ended = (end: string | Error) => {
      if (debugging) {
        const how = end instanceof Error ? `failed: ${end.message}` : end;
        debug('port %d: %s %s', this.#port, program.command, how);
      }
      program.running = false;
      program.end = end;
      this.#onEnd();
    };
    child.once('exit', (code, signal) =>
      ended(signal === null ? `exited with status ${code}` : `was ended by ${signal}`),
    );
    // With a process id the error is another one (kill EPERM), and the program goes on.
    child.on('error', (error) => child.pid === undefined && ended(error));
    return child;
  }

  /** Whose descendants are to listen; undefined when none was started. */
  get roots(): Roots | undefined {
    if (this.#programs.length === 0) return undefined;
    return { running: new Set(this.#running()), mark: this.mark, since: this.#since };
  }

  /** Why the last of them could not be started; undefined when it was, or when another one is running. */
  startFailure(): Error | undefined {
    const end = this.#lastEnd();
    return end instanceof Error ? end : undefined;
  }

  /**
   * How the last of them failed, as an error; undefined when none was started, one is running, or it ended
   * well: then one that it has left in the background may listen later.
   */
  failure(): Error | undefined {
    const end = this.#lastEnd();
    const last = this.#programs.at(-1);
    if (last === undefined || typeof end !== 'string' || end === WELL) return undefined;
    return stateError(
      'ERR_RESERVATION_PROGRAM_EXITED',
      `${last.command} ${end} before it listened on port ${this.#port}. ` +
        adviceFor(last.pass, this.#strategy),
    );
  }

  /** Ends all of them and what descends from them, and resolves when they have ended. */
  async end(): Promise<void> {
    const known = new Map<number, number>();
    await endProcesses(() => {
      const { roots } = this;
      // A child has ended for Node only when its 'exit' was emitted.
      return roots ? new Set([...descendantsOf(roots, known), ...roots.running]) : [];
    });
  }

  /** How the last of them ended; undefined when none was started or one is running. */
  #lastEnd(): string | Error | undefined {
    const last = this.#programs.at(-1);
    return last?.running || this.#running().length > 0 ? undefined : last?.end;
  }

  /** The process ids of those that run. */
  #running(): number[] {
    return this.#programs.flatMap(({ running, child: { pid } }) => (running && pid) || []);
  }
}
