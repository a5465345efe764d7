import { EACCES, EADDRINUSE, isSystemError } from '../base/errors';
import { exclusiveHoldersGiveEacces } from '../base/platform';
import { withoutHidden } from '../base/visible';
import type { WhenFreeOptions } from '../reservation/exact';
import type { PortReservation } from '../reservation/port-reservation';
import { reservePort, reservePortWhenFree } from '../reservation/reserve-port';

function isTaken(error: unknown): error is Error {
  return isSystemError(error, EADDRINUSE, ...(exclusiveHoldersGiveEacces ? [EACCES] : []));
}

/**
 * Reserves the first port that is free of those that were asked for, and no other. When it has to wait it says for
 * whom.
 *
 * @param options.wait milliseconds; 0 for not at all
 */
export async function reserveExactly(
  options: WhenFreeOptions & { wait: number },
): Promise<PortReservation> {
  try {
    return reservePort({ ...options, strict: true });
  } catch (error) {
    if (options.wait === 0 || !isTaken(error)) throw error;
    process.stderr.write(
      `bindport: ${withoutHidden(error.message)}; waiting for up to ${options.wait} ms\n`,
    );
  }
  return reservePortWhenFree(options);
}
