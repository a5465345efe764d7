import { binding } from '../../base/binding';
import { EADDRINUSE } from '../../base/errors';
import type { PortInterval } from '../../inspection/linux/system';
import { bindDescriptor, localPort } from '../../socket/bind';
import type { SocketHandle } from '../../socket/socket-handle';
import { ephemeralInterval, reservedPorts } from '../candidates';
import type { HoldAddress } from './hold';
import { closingOnError, openSocket } from './sockets';

/** How many ports are tried for a socket: as many as take no longer than the kernel's choice. */
const TRIES = 1000;
/** For how many sockets ports are tried until the kernel is asked again: by then others may be free. */
const SOCKETS = 1000;

/** The ports that the kernel gives last, and for how many sockets they are still tried. */
interface Crowd {
  readonly lowest: number;
  readonly count: number;
  readonly isReserved: (port: number) => boolean;
  left: number;
}

let crowd: Crowd | undefined;
/** As it was at the first choice. */
let interval: PortInterval | undefined;

/**
 * Linux: a socket that is bound to a free port. The kernel looks at every other port of its interval first, and at the
 * rest when none of them is free (inet_csk_find_open_port): from the 14,000th port on that makes 14,000 looks each
 * time, 2 to 3 ms. So as soon as one of the rest was given, ports of these are tried at random, which takes some
 * microseconds, but for those that an administrator keeps from the kernel's choice.
 */
export function bindToAny(at: HoldAddress): SocketHandle {
  const handle = openSocket(at);
  return closingOnError(handle, () => {
    if (crowd === undefined || crowd.left-- <= 0 || !bindAtRandom(handle, at, crowd)) {
      bindDescriptor(handle.fd, handle.family, at.address, 0);
      crowd = crowdAt(localPort(handle.fd, handle.family));
    }
  });
}

/** What is known when the kernel has given this port. */
function crowdAt(given: number): Crowd | undefined {
  interval ??= ephemeralInterval();
  const { low, high } = interval;
  if ((given - low) % 2 !== 0) return undefined;
  const count = Math.floor((high - low) / 2) + 1;
  return { lowest: low, count, isReserved: reservedPorts(), left: SOCKETS };
}

function bindAtRandom(
  { fd, family }: SocketHandle,
  { address }: HoldAddress,
  from: Crowd,
): boolean {
  for (let i = 0; i < TRIES; i++) {
    const port = from.lowest + 2 * Math.floor(Math.random() * from.count);
    if (from.isReserved(port)) continue;
    const error = binding.bind(fd, family, address, port);
    if (error === 0) return true;
    // Any other error the kernel's own choice meets, too, and it is told from there.
    if (error !== EADDRINUSE) return false;
  }
  return false;
}
