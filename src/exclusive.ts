import { binding } from './binding';
import { constants } from './constants';
import { EINVAL, systemError } from './errors';

const { SOL_SOCKET, SO_EXCLUSIVEADDRUSE } = constants;

/**
 * Sets SO_EXCLUSIVEADDRUSE where the platform has it: before bind, which is when Windows reads it
 * (Microsoft, "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE").
 */
export function requestExclusiveUse(fd: number): void {
  if (SO_EXCLUSIVEADDRUSE === undefined) return;
  const error = binding.setsockopt(fd, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
  if (error === 0) return;
  throw systemError(error, 'setsockopt', {
    subject: 'SO_EXCLUSIVEADDRUSE',
    ...(error === EINVAL && {
      explanation: 'the socket has SO_REUSEADDR, which excludes it, or is bound already',
    }),
  });
}
