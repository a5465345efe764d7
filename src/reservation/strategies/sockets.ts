import { WILDCARDv6 } from '../../base/addresses';
import { constants } from '../../base/constants';
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  ENODEV,
  isSystemError,
  systemError,
} from '../../base/errors';
import { isHeldByOthers } from '../../inspection/port-conflicts';
import { bindExclusively, conflictAddress } from '../../serving/bind-exclusively';
import { localPort, setIpv6Only } from '../../socket/bind';
import { SocketHandle } from '../../socket/socket-handle';
import type { HoldAddress } from './hold';

/** How often a port is tried again that somebody came in on. */
const ATTEMPTS = 5;

interface ExclusiveBind {
  /**
   * What to do where the system does not tell whether only TIME_WAIT is in the way: `'refuse'` by default;
   * `'bind'` for a port that was served here before.
   */
  otherwise?: 'refuse' | 'bind';
  /** Called with the socket as soon as it is bound. */
  start?: (handle: SocketHandle) => void;
}

/**
 * A bound socket with no option set that lets others in; what connections that have ended leave on the port
 * (TIME_WAIT) is no obstacle. Port 0: the kernel chooses.
 */
export function bindAlone(
  at: HoldAddress,
  port: number,
  { otherwise = 'refuse', start = () => {} }: ExclusiveBind = {},
): SocketHandle {
  for (let attempt = 1; ; attempt++) {
    const handle = openSocket(at);
    const isAlone = usedOrClosed(handle, () => {
      const lettingIn = bindExclusively(handle, at.address, port, otherwise);
      start(handle);
      if (!lettingIn) return true;
      handle.setOption('SO_REUSEADDR', false);
      return isKeptFromOthers(handle, at, port) ?? otherwise === 'bind';
    });
    if (isAlone) return handle;
    handle.close();
    if (attempt === ATTEMPTS) throw systemError(EADDRINUSE, 'bind', { address: at.address, port });
  }
}

/**
 * Whether nobody came in while the socket had SO_REUSEADDR on, nor can from now on. The kernel's shortcut for
 * ports whose sockets all had the option (`fastreuse`) would let others in still. Linux 6.18 does not take it,
 * and a bind that is refused proves so.
 */
function isKeptFromOthers(handle: SocketHandle, at: HoldAddress, port: number) {
  const held = isHeldByOthers(conflictAddress(handle, at.address), port, handle);
  return held === undefined ? undefined : !held && listenerBeside(at, port);
}

/** A listening TCP socket on a port that others hold with SO_REUSEADDR on. */
export function listenBeside(at: HoldAddress, port: number, backlog?: number): SocketHandle {
  // The listener keeps the option: its connections inherit it, and one that is in TIME_WAIT without
  // it keeps the next server from binding for a minute (inet_csk_bind_conflict).
  const handle = bindBeside(at, port);
  return closingOnError(handle, () => handle.listen(backlog));
}

/** An address that no server uses: it is bound for an instant, and nothing listens on it. */
const DECOY = '127.255.255.254';

/**
 * A listening TCP socket on a port that `guard` keeps with SO_REUSEADDR off. SO_REUSEPORT lets it in: unlike
 * SO_REUSEADDR it is of no use to another user, who is refused at every step, nor to programs that don't set it.
 *
 * @throws SystemError EADDRINUSE also when another user (before setuid(2)) opened the guard
 */
export function listenAsSameUser(
  guard: SocketHandle,
  at: HoldAddress,
  port: number,
  backlog?: number,
): SocketHandle {
  const handle = openSocket(at);
  return closingOnError(handle, () => {
    // For its connections, as in listenBeside.
    handle.setOption('SO_REUSEADDR', true);
    handle.setOption('SO_REUSEPORT', true);
    guard.setOption('SO_REUSEPORT', true);
    try {
      handle.bind(at.address, port);
      handle.listen(backlog);
      forgetReusePort(port);
    } finally {
      guard.setOption('SO_REUSEPORT', false);
    }
    handle.setOption('SO_REUSEPORT', false);
  });
}

/**
 * The kernel remembers the address of the last bind with SO_REUSEPORT, and lets this user bind it again without
 * looking at what the sockets there say by then (sk_reuseport_match). So the last one is another address.
 */
function forgetReusePort(port: number): void {
  try {
    const decoy = openSocket({ protocol: 'tcp', address: DECOY, ipv6: false });
    closingOnError(decoy, () => {
      decoy.setOption('SO_REUSEPORT', true);
      decoy.bind(DECOY, port);
    }).close();
  } catch {
    // No IPv4 here, or no free descriptor: the server listens nevertheless.
  }
}

/**
 * Whether a socket listens where others hold the port with SO_REUSEADDR on: only then is a bind with
 * the option refused. Listeners notice nothing, and neither do programs that are about to bind.
 */
export function listenerBeside(at: HoldAddress, port: number): boolean {
  try {
    bindBeside(at, port).close();
    return false;
  } catch (error) {
    if (isSystemError(error, EADDRINUSE)) return true;
    // An address that this machine lacks, such as ::1 without IPv6.
    if (isSystemError(error, EADDRNOTAVAIL, EAFNOSUPPORT, ENODEV)) return false;
    // EMFILE, for one, tells nothing about the port.
    throw error;
  }
}

/** A socket that is bound with SO_REUSEADDR on. */
function bindBeside(at: HoldAddress, port: number): SocketHandle {
  const handle = openSocket(at);
  return closingOnError(handle, () => {
    handle.setOption('SO_REUSEADDR', true);
    handle.bind(at.address, port);
  });
}

/** A socket that is not bound yet, for this address. */
export function openSocket({ protocol, address, ipv6 }: HoldAddress): SocketHandle {
  // Its hold closes it, and the reservation is what warns when it is forgotten.
  const handle = SocketHandle.unwatched(
    ipv6 ? constants.AF_INET6 : constants.AF_INET,
    protocol === 'tcp' ? constants.SOCK_STREAM : constants.SOCK_DGRAM,
  );
  return closingOnError(handle, () => {
    if (address === WILDCARDv6) setIpv6Only(handle.fd, false);
  });
}

/** The port that a hold's socket has; when the kernel does not tell it, closes the socket first. */
export function portOf(handle: SocketHandle, asked: number): number {
  return asked !== 0 ? asked : usedOrClosed(handle, () => localPort(handle.fd, handle.family));
}

/** What `use` returns; when it throws, the handle is closed first. */
export function usedOrClosed<Result>(handle: SocketHandle, use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** The handle, once `use` has run; when that throws, the handle is closed first. */
export function closingOnError(handle: SocketHandle, use: () => void): SocketHandle {
  usedOrClosed(handle, use);
  return handle;
}
