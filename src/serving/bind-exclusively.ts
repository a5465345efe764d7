import { WILDCARDv6 } from '../base/addresses';
import { constants } from '../base/constants';
import { EADDRINUSE, isSystemError } from '../base/errors';
import { reuseAddrIsForTimeWait } from '../base/platform';
import { isHeldByOthers } from '../inspection/port-conflicts';
import { bindDescriptor } from '../socket/bind';
import { requestExclusiveUse } from '../socket/exclusive';
import type { SocketHandle } from '../socket/socket-handle';

/** Where to look for the sockets that are in the way of this one. */
export function conflictAddress(socket: SocketHandle, address: string) {
  return {
    address,
    v6only: address === WILDCARDv6 ? socket.getOption('IPV6_V6ONLY') : undefined,
  };
}

/**
 * Binds a socket beside nobody. SO_REUSEADDR is off, for with it others that have it on get in. Connections in
 * TIME_WAIT and the like refuse such a bind, so if nothing else has the port, it is bound with the option.
 *
 * @param otherwise what to do where the system does not tell who has a port that is refused: before Linux 6.8,
 *   or where sock_diag is forbidden
 * @returns whether SO_REUSEADDR is on. It must be so when the socket is to listen (Linux checks for conflicts
 *   again then); whoever only binds switches it off, and looks whether somebody came in before.
 * @throws SystemError as bind(2) gives it
 */
export function bindExclusively(
  socket: SocketHandle,
  address: string,
  port: number,
  otherwise: 'refuse' | 'bind',
): boolean {
  // Without exclusive use Windows lets any socket with SO_REUSEADDR take the port.
  requestExclusiveUse(socket.fd);
  try {
    bindDescriptor(socket.fd, socket.family, address, port);
    return false;
  } catch (error) {
    const mayBeTimeWait =
      reuseAddrIsForTimeWait && socket.type === constants.SOCK_STREAM && port !== 0;
    if (!mayBeTimeWait || !isSystemError(error, EADDRINUSE)) throw error;
    const held = isHeldByOthers(conflictAddress(socket, address), port);
    if (held ?? otherwise === 'refuse') throw error;
  }
  socket.setOption('SO_REUSEADDR', true);
  bindDescriptor(socket.fd, socket.family, address, port);
  return true;
}
