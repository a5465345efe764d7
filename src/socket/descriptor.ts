/** Descriptors before they have a SocketHandle: opening one, and asking the kernel what it is. */
import { hasPorts } from '../base/addresses';
import { binding, type SocketKind } from '../base/binding';
import { constants } from '../base/constants';
import { stateError, systemError } from '../base/errors';
import { socketsAreFiles } from '../base/platform';
import { int32 } from '../base/validate';
import { getInt } from '../options/sockopt';

/** The flags that socket(2) takes in its type argument (Linux, FreeBSD). */
const TYPE_FLAGS = (constants.SOCK_CLOEXEC ?? 0) | (constants.SOCK_NONBLOCK ?? 0);

/** A descriptor that is open, and what socket it is: what a SocketHandle is made from. */
export class OpenDescriptor {
  constructor(
    readonly fd: number,
    readonly kind: SocketKind,
    /** Whether its SocketHandle closes it, with a warning, when it is collected unclosed. */
    readonly watched = true,
  ) {}
}

/** The socket type without the flags that socket(2) takes with it. */
export function socketType(type: number): number {
  return type & ~TYPE_FLAGS;
}

/** What socket(2) chooses for protocol 0. */
function defaultProtocol(family: number, type: number): number {
  if (!hasPorts(family)) return 0;
  if (type === constants.SOCK_STREAM) return constants.IPPROTO_TCP;
  return type === constants.SOCK_DGRAM ? constants.IPPROTO_UDP : 0;
}

/** Opens a socket: socket(2), with the arguments of SocketHandle's constructor. */
export function openSocket(family: number, type: number, protocol: number): OpenDescriptor {
  int32('family', family);
  int32('type', type);
  int32('protocol', protocol);
  const fd = binding.socket(family, type, protocol);
  if (fd < 0) throw systemError(fd, 'socket');
  const bare = socketType(type);
  return new OpenDescriptor(fd, {
    family,
    type: bare,
    protocol: protocol || defaultProtocol(family, bare),
  });
}

/**
 * Has the kernel make room for that many more descriptors at once. Linux doubles its table whenever it is full, and
 * in a process with threads each time waits until no processor reads the old one (expand_fdtable): 10 to 40 ms.
 *
 * @param fd a descriptor that is open
 */
export function makeRoom(fd: number, more: number): void {
  if (!socketsAreFiles) return;
  const farthest = binding.duplicate(fd, fd + more);
  // Beyond the limit it fails: then so will the opening of so many.
  if (farthest >= 0) binding.close(farthest);
}

/** Throws when the number is another kind of socket's by now. Windows would open a UDP socket as TCP without an error. */
export function refuseOtherType(fd: number, type: number): void {
  if (getInt(fd, constants.SOL_SOCKET, constants.SO_TYPE, 'SO_TYPE') === type) return;
  throw stateError(
    'ERR_SOCKET_BAD_TYPE',
    `Somebody else closed descriptor ${fd}: the number is another socket's now`,
  );
}

/** Family, type and protocol of a bare descriptor, as the kernel tells them. */
export function describeSocket(fd: number): SocketKind {
  const kind = binding.describe(fd);
  if (typeof kind === 'number') throw systemError(kind, 'getsockopt');
  return kind;
}
