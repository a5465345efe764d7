import { isSystemError } from '../base/errors';
import { withoutHidden } from '../base/visible';
import type { WhenFreeOptions } from '../reservation/exact';
import type { PortReservation } from '../reservation/port-reservation';
import { reservePort, reservePortWhenFree } from '../reservation/reserve-port';
import { TAKEN } from '../socket/bind';

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
    if (options.wait === 0 || !(error instanceof Error && isSystemError(error, ...TAKEN)))
      throw error;
    process.stderr.write(
      `bindport: ${withoutHidden(error.message)}; waiting for up to ${options.wait} ms\n`,
    );
  }
  return reservePortWhenFree(options);
}
