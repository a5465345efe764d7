import { constants } from '../base/constants';
import { setInt } from '../options/sockopt';

const { SOL_SOCKET, SO_EXCLUSIVEADDRUSE } = constants;

/**
 * Sets SO_EXCLUSIVEADDRUSE where the platform has it. To be called before bind, which is when Windows reads it
 * (Microsoft, "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE").
 */
export function requestExclusiveUse(fd: number): void {
  if (SO_EXCLUSIVEADDRUSE === undefined) return;
  setInt(fd, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1, 'SO_EXCLUSIVEADDRUSE');
}
