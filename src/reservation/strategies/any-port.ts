import { binding } from '../../base/binding';
import { EADDRINUSE } from '../../base/errors';
import type { PortInterval } from '../../inspection/linux/system';
import { bindDescriptor, localPort } from '../../socket/bind';
import type { SocketHandle } from '../../socket/socket-handle';
import { ephemeralInterval, reservedPorts } from '../candidates';
import type { HoldAddress } from './hold';
import { openSocket, usedOrClosed } from './sockets';

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
export function bindToAny(at: HoldAddress): { handle: SocketHandle; port: number } {
  const handle = openSocket(at);
  const port = usedOrClosed(handle, () => bindAtRandom(handle, at) ?? bindToChoice(handle, at));
  return { handle, port };
}

/** The kernel's choice. */
function bindToChoice({ fd, family }: SocketHandle, { address }: HoldAddress): number {
  bindDescriptor(fd, family, address, 0);
  const port = localPort(fd, family);
  crowd = crowdAt(port);
  return port;
}

/** What is known when the kernel has given this port. */
function crowdAt(given: number): Crowd | undefined {
  interval ??= ephemeralInterval();
  const { low, high } = interval;
  if ((given - low) % 2 !== 0) return undefined;
  const count = Math.floor((high - low) / 2) + 1;
  return { lowest: low, count, isReserved: reservedPorts(), left: SOCKETS };
}

/** A port at random, or undefined where the kernel is to choose. */
function bindAtRandom({ fd, family }: SocketHandle, { address }: HoldAddress): number | undefined {
  if (crowd === undefined || crowd.left-- <= 0) return undefined;
  const { lowest, count, isReserved } = crowd;
  for (let i = 0; i < TRIES; i++) {
    const port = lowest + 2 * Math.floor(Math.random() * count);
    if (isReserved(port)) continue;
    const error = binding.bind(fd, family, address, port);
    if (error === 0) return port;
    // Any other error the kernel's choice meets, too, and it is told from there.
    if (error !== EADDRINUSE) return undefined;
  }
  return undefined;
}
