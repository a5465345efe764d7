import { constants } from '../../base/constants';
import { EADDRINUSE, EADDRNOTAVAIL, ENODEV, ENOPROTOOPT, isSystemError } from '../../base/errors';
import {
  disconnectForgetsPort,
  listsMulticastGroups,
  loopReopensSockets,
  reusePortIsForOneUser,
} from '../../base/platform';
import { type JoinedGroup, readGroups, readGroups6 } from '../../inspection/linux/multicast';
import { setBytes, setInt } from '../../options/sockopt';
import type { SocketHandle } from '../../socket/socket-handle';
import type { Hold, HoldAddress } from './hold';
import { bindAlone, closingOnError, openSocket, portOf } from './sockets';

/** One instruction of classic BPF: BPF_RET with 0 bytes to keep. */
const DROP_EVERYTHING = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0);

/**
 * UDP: a bound socket, on every platform (on Windows for an instant none, when its server has closed).
 * It is never shared: with SO_REUSEADDR on, others could autobind onto the port and take its datagrams.
 * Whoever serves gets a duplicate of the same socket. That has no listening state to be left behind,
 * and what arrives while nobody serves is dropped.
 */
export class DatagramHold implements Hold {
  readonly at: HoldAddress;
  readonly port: number;
  #guard: SocketHandle | undefined;
  /** What keeps others out whatever the guard's users set in it; opened with the first of them. */
  #sentry: SocketHandle | undefined;
  #lost = false;

  constructor(at: HoldAddress, port: number) {
    this.at = at;
    const [guard, bound] = port === 0 ? bindToChoice(at) : [bindAlone(at, port), port];
    this.#guard = guard;
    this.port = bound;
    closingOnError(guard, () => this.#dropDatagrams(true));
  }

  share(): void {}

  unshare(): void {}

  openServerSocket(): SocketHandle {
    const guard = this.#hold();
    if (!loopReopensSockets) {
      // It can't open a duplicate a second time. So it gets the guard itself, and #hold binds a new one.
      this.#guard = undefined;
      return guard;
    }
    this.#sentry ??= openSentry(guard, this.at, this.port);
    return closingOnError(guard.duplicate(), () => this.#dropDatagrams(false));
  }

  someoneListens(): boolean {
    return false;
  }

  serverSocketClosed(): void {
    try {
      const guard = this.#hold();
      if (loopReopensSockets) takeBack(guard);
      this.#dropDatagrams(true);
    } catch {
      // Windows: another socket has taken the port; the next openServerSocket throws for it. Linux: the server
      // has locked the filter (SO_LOCK_FILTER), so what arrives from now on waits in the receive buffer.
      this.#lost = this.#guard === undefined;
    }
  }

  isLost(): boolean {
    return this.#lost;
  }

  close(): void {
    try {
      this.#sentry?.close();
    } finally {
      this.#guard?.close();
    }
  }

  #hold(): SocketHandle {
    this.#guard ??= bindAlone(this.at, this.port);
    this.#lost = false;
    return this.#guard;
  }

  /** Where there are no filters (only Linux has them), a full receive buffer drops the rest. */
  #dropDatagrams(drop: boolean): void {
    const { SOL_SOCKET, SO_ATTACH_FILTER, SO_DETACH_FILTER } = constants;
    if (SO_ATTACH_FILTER === undefined || SO_DETACH_FILTER === undefined) return;
    const { fd } = this.#hold();
    if (drop) setBytes(fd, SOL_SOCKET, SO_ATTACH_FILTER, DROP_EVERYTHING, 'SO_ATTACH_FILTER');
    else setInt(fd, SOL_SOCKET, SO_DETACH_FILTER, 0, 'SO_DETACH_FILTER');
  }
}

/** An interface that there is not: a socket bound to it receives nothing. */
const NO_INTERFACE = 0x7fffffff;

/**
 * A second socket on the guard's port, which nobody else ever has a descriptor of. Its SO_REUSEADDR stays off, so
 * it refuses others even when a user of the guard turns that option on, as libuv does in a child that is passed
 * the descriptor. It is in the way of all that name no interface themselves (udp_lib_lport_inuse).
 *
 * @returns undefined where there is none: outside Linux and before 5.1, and after setuid(2)
 */
function openSentry(guard: SocketHandle, at: HoldAddress, port: number): SocketHandle | undefined {
  if (!reusePortIsForOneUser) return undefined;
  const sentry = openSocket(at);
  try {
    sentry.setOption('SO_REUSEPORT', true);
    guard.setOption('SO_REUSEPORT', true);
    try {
      sentry.bind(at.address, port);
    } finally {
      guard.setOption('SO_REUSEPORT', false);
    }
    sentry.setOption('SO_REUSEPORT', false);
    // Takes it out of the group among whose sockets datagrams are shared out, too (udp_lib_rehash).
    sentry.setOption('SO_BINDTOIFINDEX', NO_INTERFACE);
    return sentry;
  } catch (error) {
    sentry.close();
    if (isSystemError(error, EADDRINUSE, ENOPROTOOPT)) return undefined;
    throw error;
  }
}

/**
 * Undoes what a server did to its duplicate, and so to this socket too: connected, it would receive from one
 * peer alone; with one of these options on others can bind the port (libuv sets the first on Unix); and in
 * its multicast groups the next server could not join them (EADDRINUSE), and would hear of them if it did not.
 */
function takeBack(guard: SocketHandle): void {
  guard.disconnect();
  guard.setOption('SO_REUSEADDR', false);
  if (constants.SO_REUSEPORT !== undefined) guard.setOption('SO_REUSEPORT', false);
  if (!listsMulticastGroups) return;
  for (const group of readGroups()) leave(guard, 'IP_DROP_MEMBERSHIP', group);
  if (guard.family !== constants.AF_INET6) return;
  for (const group of readGroups6()) leave(guard, 'IPV6_LEAVE_GROUP', group);
}

/** Leaves a group that somebody on this machine is in: no call tells of which a socket is. */
function leave(
  guard: SocketHandle,
  option: 'IP_DROP_MEMBERSHIP' | 'IPV6_LEAVE_GROUP',
  group: JoinedGroup,
): void {
  try {
    guard.setOption(option, group);
  } catch (error) {
    // It is not in that group, or the interface has gone.
    if (!isSystemError(error, EADDRNOTAVAIL, ENODEV)) throw error;
  }
}

/**
 * Linux: a socket that was bound to port 0 loses its port when it is disconnected (__udp_disconnect),
 * one that was bound by number keeps it. So the choice is the kernel's, and the bind by number.
 */
function bindToChoice(at: HoldAddress): [guard: SocketHandle, port: number] {
  for (;;) {
    const choice = bindAlone(at, 0);
    const port = portOf(choice, 0);
    if (!disconnectForgetsPort) return [choice, port];
    choice.close();
    try {
      return [bindAlone(at, port), port];
    } catch (error) {
      // Another socket has taken it meanwhile. When no port is left, the bind to port 0 throws.
      if (!isSystemError(error, EADDRINUSE)) throw error;
    }
  }
}
