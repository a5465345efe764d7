/** CPython's test.support.socket_helper rules: docs/cpython-parity.md has them clause by clause. */

import { hasPorts, resolveHost } from '../base/addresses';
import { binding } from '../base/binding';
import { constants } from '../base/constants';
import {
  ENOPROTOOPT,
  invalidArgType,
  invalidArgValue,
  isSystemError,
  systemError,
  UnsafeOptionError,
} from '../base/errors';
import { descriptor, int32 } from '../base/validate';
import { getInt } from '../options/sockopt';
import { bindDescriptor, localPort } from '../socket/bind';
import { describeSocket, socketType } from '../socket/descriptor';
import { requestExclusiveUse } from '../socket/exclusive';
import { SocketHandle } from '../socket/socket-handle';

const { AF_INET, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, SO_REUSEPORT } = constants;

/** SO_REUSEPORT's value; 0 where the headers have the option and the running kernel has not (as CPython). */
function reusePort(fd: number, option: number): number {
  try {
    return getInt(fd, SOL_SOCKET, option, 'SO_REUSEPORT');
  } catch (error) {
    if (isSystemError(error, ENOPROTOOPT)) return 0;
    throw error;
  }
}

/** Throws when an option is set: any value but 0, since BSD systems return its flag bit (CPython compares with 1). */
function refuseSharedPort(fd: number): void {
  if (getInt(fd, SOL_SOCKET, SO_REUSEADDR, 'SO_REUSEADDR') !== 0) {
    throw new UnsafeOptionError('SO_REUSEADDR');
  }
  if (SO_REUSEPORT !== undefined && reusePort(fd, SO_REUSEPORT) !== 0) {
    throw new UnsafeOptionError('SO_REUSEPORT');
  }
}

/** Binds to an ephemeral port and returns it: the system calls of CPython's bind_port, in its order. */
function bindEphemeral(fd: number, family: number, type: number, host?: string): number {
  if (family === AF_INET && socketType(type) === SOCK_STREAM) refuseSharedPort(fd);
  const address = resolveHost(host, family);
  requestExclusiveUse(fd);
  bindDescriptor(fd, family, address, 0);
  return localPort(fd, family);
}

function refusePortless(name: string, family: number): void {
  if (!hasPorts(family)) {
    throw invalidArgValue(
      name,
      'must be of family AF_INET or AF_INET6: others have no ports',
      family,
    );
  }
}

function describeNumber(socket: number): { fd: number; family: number; type: number } {
  if (typeof socket !== 'number') {
    throw invalidArgType('socket', 'a SocketHandle or of type number', socket);
  }
  return { fd: socket, ...describeSocket(descriptor('socket', socket)) };
}

/**
 * Binds a socket to a free port and returns the port: CPython's `bind_port(sock, host)`. The socket
 * stays yours, open and bound, and nobody else can take the port.
 *
 * A TCP/IPv4 socket with SO_REUSEADDR or SO_REUSEPORT set is refused before anything is bound. Where
 * the platform has SO_EXCLUSIVEADDRUSE (Windows) it is set first, for every family and type.
 *
 * @param socket a SocketHandle, or a descriptor's number (on Windows a SOCKET)
 * @param host a numeric address of the socket's family, `'localhost'`, or `''` for the wildcard
 *   address; the family's loopback address by default
 * @returns the port, 1 to 65535
 * @throws UnsafeOptionError when an option would let others share the port
 * @throws TypeError or RangeError for a wrong argument, a host of another family among them
 * @throws SystemError with `syscall` `'getsockopt'`, `'setsockopt'`, `'bind'` or `'getsockname'`:
 *   EBADF for a closed descriptor, EINVAL for a socket that is bound already, EADDRNOTAVAIL for an
 *   address that is not this machine's, EADDRINUSE when no ephemeral port is left
 */
export function bindPort(socket: SocketHandle | number, host?: string): number {
  const { fd, family, type } = socket instanceof SocketHandle ? socket : describeNumber(socket);
  refusePortless('socket', family);
  return bindEphemeral(fd, family, type, host);
}

/**
 * Finds a port that nobody uses: CPython's `find_unused_port(family, socktype)`. Opens a socket, calls
 * `bindPort` on it, closes it. The port is only likely to stay free until you bind it; where that is
 * not enough, bind with `bindPort` and hand the very socket to your server with `adopt`.
 *
 * @param family `constants.AF_INET` (the default) or `constants.AF_INET6`
 * @param type `constants.SOCK_STREAM` (the default) or `constants.SOCK_DGRAM`
 * @returns the port, 1 to 65535
 * @throws TypeError or RangeError for a wrong argument, a family without ports among them
 * @throws SystemError as `bindPort`, and with `syscall: 'socket'`, such as EMFILE
 */
export function findUnusedPort(family: number = AF_INET, type: number = SOCK_STREAM): number {
  int32('family', family);
  int32('type', type);
  refusePortless('family', family);
  // Without a SocketHandle: to make one and register it for finalization costs too much beside six
  // system calls.
  const fd = binding.socket(family, type, 0);
  if (fd < 0) throw systemError(fd, 'socket');
  try {
    return bindEphemeral(fd, family, type);
  } finally {
    binding.close(fd);
  }
}
