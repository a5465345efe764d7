import type { Holds } from './holds';
import { PortGuard } from './port-guard';
import { Programs } from './programs';
import { Readiness } from './readiness';
import { Servers } from './servers';
import type { Strategy } from './strategies/table';

/** Who uses a reserved port, and who waits for them. */
export interface Users {
  readonly servers: Servers;
  readonly programs: Programs;
  readonly readiness: Readiness;
  readonly guard: PortGuard;
}

/**
 * @param isReleased refers to the reservation. So do by it the listeners on a running server or program: the
 *   reservation is not collected as forgotten meanwhile.
 */
export function usersOf(
  port: number,
  strategy: Strategy,
  holds: Holds,
  isReleased: () => boolean,
): Users {
  const readiness = new Readiness(port);
  return {
    servers: new Servers(port, (hold) => {
      if (!isReleased()) hold.serverSocketClosed();
    }),
    programs: new Programs(port, strategy, () => {
      // The release has told those who wait.
      if (!isReleased()) readiness.recheck();
    }),
    readiness,
    guard: new PortGuard(port, holds),
  };
}
