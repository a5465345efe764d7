import type { ChildProcess } from 'node:child_process';
import { besideAddon } from '../base/addon';
import { HOST } from '../base/addresses';
import { binding, type NativeGuard } from '../base/binding';
import { debug, debugging } from '../base/debug';
import { describeFailure, ENOTSUP, isSystemError, stateError, systemError } from '../base/errors';
import { node } from '../base/node-modules';
import type { Holds } from './holds';
import { type Launch, launchGuarded } from './spawn';
import { holdAddress } from './strategies/hold';
import { bindAlone } from './strategies/sockets';

/** Milliseconds for the trial, which takes 3. */
const TRIAL_TIMEOUT = 10_000;

/** What starts a program under a guard: native/launcher_linux.c. */
const launcher = () => besideAddon('bindport-launcher');

function opened(sockets: readonly number[]): NativeGuard {
  const guard = binding.openGuard(sockets);
  if (typeof guard === 'number') throw systemError(guard, 'dup');
  return guard;
}

/** Calls `start` with the descriptor for the launcher, which is this process' for that long. */
function withChannel<Result>(guard: NativeGuard, start: (channel: number) => Result): Result {
  const channel = binding.supervise(guard);
  if (channel < 0) throw systemError(channel, 'socketpair');
  try {
    return start(channel);
  } finally {
    binding.close(channel);
  }
}

/** Why a program can't be guarded here; undefined where the launcher itself can listen on a guarded port. */
function whyNot(): string | undefined {
  const socket = bindAlone(holdAddress('tcp', HOST), 0);
  try {
    const guard = opened([socket.fd]);
    try {
      const { port } = socket.address();
      const { status, stderr, error } = withChannel(guard, (channel) =>
        node.childProcess.spawnSync(launcher(), ['3', launcher(), launcher(), String(port)], {
          stdio: ['ignore', 'ignore', 'pipe', channel],
          encoding: 'utf8',
          timeout: TRIAL_TIMEOUT,
        }),
      );
      if (status === 0) return undefined;
      const failure = binding.guardFailure(guard);
      if (failure) return describeFailure(failure.syscall, failure.errno);
      return stderr?.trim().replace('bindport: ', '') || error?.message || 'the launcher was ended';
    } finally {
      binding.closeGuard(guard);
    }
  } catch (error) {
    if (isSystemError(error, ENOTSUP)) return 'only Linux lets a process answer system calls';
    return error instanceof Error ? error.message : String(error);
  } finally {
    socket.close();
  }
}

/** Whether it was tried and works. What does not work is tried again: it may have lacked descriptors. */
let works = false;

/** Lets the programs that it starts bind a port which is never shared, and nobody else. */
export class PortGuard {
  readonly #port: number;
  readonly #holds: Holds;
  #guard: NativeGuard | undefined;

  constructor(port: number, holds: Holds) {
    this.#port = port;
    this.#holds = holds;
  }

  /** Whether programs that were started can bind the port. */
  get isOpen(): boolean {
    return this.#guard !== undefined;
  }

  /** @throws Error `ERR_RESERVATION_UNGUARDED` where that can't be done, and as `child_process.spawn` */
  launch(plan: Launch, mark: string): ChildProcess {
    const wasOpen = this.isOpen;
    this.#guard ??= this.#open();
    try {
      return withChannel(this.#guard, (channel) =>
        launchGuarded(plan, this.#port, mark, launcher(), channel),
      );
    } catch (error) {
      if (!wasOpen) this.close();
      throw error;
    }
  }

  /** Programs that listen go on; none can bind the port from now on. Harmless when it is not open. */
  close(): void {
    if (this.#guard === undefined) return;
    binding.closeGuard(this.#guard);
    this.#guard = undefined;
  }

  #open(): NativeGuard {
    const holds = this.#holds.of('tcp');
    const guards = holds.flatMap(({ guard }) => guard ?? []);
    const reason = works ? undefined : whyNot();
    works = reason === undefined;
    if (!works || guards.length < holds.length) {
      throw stateError(
        'ERR_RESERVATION_UNGUARDED',
        `Port ${this.#port} can't be guarded here: ${reason ?? "it takes the strategy 'bound'"}. It can be shared instead`,
      );
    }
    if (debugging) debug('port %d is guarded', this.#port);
    return opened(guards.map(({ fd }) => fd));
  }
}
