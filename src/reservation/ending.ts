import { setTimeout as sleep } from 'node:timers/promises';
import { ESRCH, isSystemError } from '../base/errors';

/**
 * Milliseconds that programs and connections have to end by themselves: less than a test runner gives a test
 * (vitest, jest: 5 s).
 */
export const GRACE = 3_000;

const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 50;

/**
 * Whether to wait for the process: not for one that another user has started. One that has ended is still waited for
 * as long as it is listed: on Windows Node tells later that a child has ended.
 */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return isSystemError(error, ESRCH);
  }
}

/**
 * Ends processes and waits for that: SIGTERM to all of them at once, as systemd does (systemd.kill(5),
 * KillMode=control-group), and SIGKILL to those that are left after the grace period. Gives up on those that
 * even that does not end: they wait in the kernel.
 *
 * @param alive who there is; asked again and again, because processes start others
 */
export async function endProcesses(alive: () => Iterable<number>): Promise<void> {
  const asked = new Set<number>();
  const start = performance.now();
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    const waited = performance.now() - start;
    let left = 0;
    for (const pid of alive()) {
      const signal = waited >= GRACE ? 'SIGKILL' : asked.has(pid) ? 0 : 'SIGTERM';
      asked.add(pid);
      if (send(pid, signal)) left++;
    }
    if (left === 0 || waited >= 2 * GRACE) return;
    await sleep(pause);
  }
}
