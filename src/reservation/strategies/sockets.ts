import { WILDCARDv6 } from '../../base/addresses';
import { constants } from '../../base/constants';
import { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, ENODEV, isSystemError } from '../../base/errors';
import { reuseAddrIsForTimeWait } from '../../base/platform';
import { setIpv6Only } from '../../socket/bind';
import { requestExclusiveUse } from '../../socket/exclusive';
import { SocketHandle } from '../../socket/socket-handle';
import type { HoldAddress } from './hold';

/** A bound socket with no option set that lets others in. Port 0: the kernel chooses. */
export function bindAlone(at: HoldAddress, port: number): SocketHandle {
  // Without exclusive use Windows lets any socket with SO_REUSEADDR take the port.
  return bindWith(at, port, ({ fd }) => requestExclusiveUse(fd));
}

/**
 * As `bindAlone`, for a port that was served before: its connections in TIME_WAIT are no obstacle.
 * Windows lets it in as it is, and SO_REUSEADDR there would let it in beside anybody.
 */
export function bindAgain(at: HoldAddress, port: number): SocketHandle {
  if (!reuseAddrIsForTimeWait) return bindAlone(at, port);
  const handle = bindWith(at, port, (again) => again.setOption('SO_REUSEADDR', true));
  return closingOnError(handle, () => handle.setOption('SO_REUSEADDR', false));
}

/** A listening TCP socket on a port that others hold with SO_REUSEADDR on. */
export function listenBeside(at: HoldAddress, port: number, backlog?: number): SocketHandle {
  // The listener keeps the option: its connections inherit it, and one that is in TIME_WAIT without
  // it keeps the next server from binding for a minute (inet_csk_bind_conflict).
  const handle = bindWith(at, port, (beside) => beside.setOption('SO_REUSEADDR', true));
  return closingOnError(handle, () => handle.listen(backlog));
}

/**
 * Whether a socket listens where others hold the port with SO_REUSEADDR on: only then is a bind with
 * the option refused. Listeners notice nothing, and neither do programs that are about to bind.
 */
export function listenerBeside(at: HoldAddress, port: number): boolean {
  try {
    bindWith(at, port, (probe) => probe.setOption('SO_REUSEADDR', true)).close();
    return false;
  } catch (error) {
    if (isSystemError(error, EADDRINUSE)) return true;
    // An address that this machine lacks, such as ::1 without IPv6.
    if (isSystemError(error, EADDRNOTAVAIL, EAFNOSUPPORT, ENODEV)) return false;
    // EMFILE, for one, tells nothing about the port.
    throw error;
  }
}

function bindWith(
  { protocol, address, ipv6 }: HoldAddress,
  port: number,
  prepare: (handle: SocketHandle) => void,
): SocketHandle {
  // Its hold closes it, and the reservation is what warns when it is forgotten.
  const handle = SocketHandle.unwatched(
    ipv6 ? constants.AF_INET6 : constants.AF_INET,
    protocol === 'tcp' ? constants.SOCK_STREAM : constants.SOCK_DGRAM,
  );
  return closingOnError(handle, () => {
    prepare(handle);
    if (address === WILDCARDv6) setIpv6Only(handle.fd, false);
    handle.bind(address, port);
  });
}

/** Runs `use`; when that throws, closes the handle first. */
export function closingOnError(handle: SocketHandle, use: () => void): SocketHandle {
  try {
    use();
    return handle;
  } catch (error) {
    handle.close();
    throw error;
  }
}
