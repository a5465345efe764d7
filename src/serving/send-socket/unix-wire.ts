import { binding } from '../../base/binding';
import { stateError, systemError } from '../../base/errors';
import { descriptorOfHandle, isOpenable } from '../../base/node-handles';
import { type ListenTarget, openTarget } from '../../socket/listen-target';
import type { SocketHandle } from '../../socket/socket-handle';
import type { Wire } from './wire';

function duplicate(fd: number): number {
  const result = binding.duplicate(fd, 0);
  if (result < 0) throw systemError(result, 'dup');
  return result;
}

/** A libuv handle of a duplicate: Node sends descriptors in handles only, and ours stays ours. */
function openCarrier({ fd, family, type }: SocketHandle): ListenTarget {
  const copy = { fd: duplicate(fd) };
  binding.disown(copy.fd);
  let carrier: ListenTarget;
  try {
    carrier = openTarget(copy, family, type);
  } catch (error) {
    binding.close(copy.fd);
    throw error;
  }
  if (isOpenable(carrier)) return carrier;
  binding.close(copy.fd);
  throw stateError('ERR_UNSUPPORTED_RUNTIME', 'This runtime sends no descriptors to processes');
}

/** The descriptor travels with the message (SCM_RIGHTS, unix(7)). */
export const unixWire: Wire = {
  pack(socket) {
    return { carrier: openCarrier(socket) };
  },

  unpack(_info, handle) {
    const received = descriptorOfHandle(handle);
    if (received === undefined) {
      throw stateError(
        'ERR_NO_DESCRIPTOR',
        'The socket arrived without its descriptor: this process may have no free one',
      );
    }
    return duplicate(received);
  },

  discard() {},
};
