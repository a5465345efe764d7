import { binding } from '../../base/binding';
import { stateError, systemError } from '../../base/errors';
import type { Wire } from './wire';

function importSocket(info: string): number {
  const fd = binding.importSocket(Buffer.from(info, 'base64'));
  if (fd < 0) throw systemError(fd, 'WSASocket');
  return fd;
}

/** The message holds the WSAPROTOCOL_INFOW that WSADuplicateSocketW makes for the receiver. */
export const windowsWire: Wire = {
  pack({ fd }, pid) {
    const info = binding.exportSocket(fd, pid);
    if (typeof info === 'number') throw systemError(info, 'WSADuplicateSocket');
    return { info: info.toString('base64') };
  },

  unpack(info) {
    if (info !== undefined) return importSocket(info);
    throw stateError('ERR_NO_DESCRIPTOR', 'The message arrived without its socket');
  },

  /** WSADuplicateSocketW has opened the socket here already; only who imports it can close it. */
  discard(info) {
    if (info !== undefined) binding.close(importSocket(info));
  },
};
