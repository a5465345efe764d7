import type { ChildProcess } from 'node:child_process';
import { debug, debugging } from '../base/debug';
import { stateError } from '../base/errors';

interface Program {
  readonly command: string;
  running: boolean;
  /** How it ended: in words, or why it could not be started. */
  end: string | Error;
}

/** The programs that were started on a reserved port, and how they ended. */
export class Programs {
  readonly #port: number;
  readonly #onEnd: () => void;
  #programs: Program[] = [];

  /** @param onEnd called when one has ended. Whatever it refers to is not collected while one runs. */
  constructor(port: number, onEnd: () => void) {
    this.#port = port;
    this.#onEnd = onEnd;
  }

  /** Remembers how the program ends. That it could not be started is no uncaught 'error' any more. */
  watch(child: ChildProcess): ChildProcess {
    const program: Program = { command: child.spawnfile, running: true, end: 'has not ended' };
    this.#programs = [...this.#programs.filter(({ running }) => running), program];
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

  /** How the last of them ended, as an error; undefined when none was started or one is running. */
  failure(): Error | undefined {
    const last = this.#programs.at(-1);
    if (last === undefined || this.#programs.some(({ running }) => running)) return undefined;
    if (last.end instanceof Error) return last.end;
    return stateError(
      'ERR_RESERVATION_PROGRAM_EXITED',
      `${last.command} ${last.end} before it listened on port ${this.#port}. ` +
        "If it reported the address as in use, it does not set SO_REUSEADDR: pass it the socket itself (pass: 'fd' or 'systemd')",
    );
  }
}
