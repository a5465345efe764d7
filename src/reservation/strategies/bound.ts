import { fstatSync } from 'node:fs';
import { isWildcard } from '../../base/addresses';
import { EADDRINUSE, isSystemError } from '../../base/errors';
import { reuseAddrSharesBoundPorts, reusePortIsForOneUser } from '../../base/platform';
import { isListenedOn } from '../../inspection/port-conflicts';
import type { SocketHandle } from '../../socket/socket-handle';
import { bindToAny } from './any-port';
import type { Hold, HoldAddress } from './hold';
import {
  bindAlone,
  closingOnError,
  listenAsSameUser,
  listenBeside,
  listenerBeside,
} from './sockets';

/** How often a listen is tried that is refused. */
const ATTEMPTS = 20;

/**
 * Linux: a socket that is bound, does not listen and has SO_REUSEADDR off keeps its port from every
 * bind and connect. With the option on, only explicit binds that set it too get through, so that a
 * server can start; the kernel itself still gives the port to nobody. The option works after bind,
 * because the kernel compares sockets at each bind (inet_csk_bind_conflict) and the bucket's shortcut
 * (`fastreuse`) stays off once its first owner has bound without it.
 */
export class BoundHold implements Hold {
  static readonly supported = reuseAddrSharesBoundPorts;
  static readonly coversOtherAddresses = true;
  static readonly needsRealAddress = false;
  static readonly refusesPlainBinds = true;
  static readonly canBeGuarded = true;

  readonly at: HoldAddress;
  readonly port: number;
  readonly guard: SocketHandle;
  #shared = false;

  /** @param guard a socket that has the port already */
  constructor(at: HoldAddress, port: number, guard?: SocketHandle) {
    this.at = at;
    if (guard === undefined && port === 0) {
      const chosen = bindToAny(at);
      this.guard = chosen.handle;
      this.port = chosen.port;
    } else {
      this.guard = guard ?? bindAlone(at, port);
      this.port = port;
    }
  }

  share(): void {
    this.guard.setOption('SO_REUSEADDR', true);
    this.#shared = true;
  }

  unshare(): void {
    this.guard.setOption('SO_REUSEADDR', false);
    this.#shared = false;
  }

  openServerSocket(address: HoldAddress, backlog?: number): SocketHandle {
    // Not a duplicate of the guard: that would be the same socket, which would go on listening,
    // with connections piling up in it, after the server had closed its descriptor.
    // A wildcard's SO_REUSEPORT would be remembered for every address, so there is no decoy.
    if (!reusePortIsForOneUser || isWildcard(address.address)) {
      return this.#listenBeside(address, backlog);
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return listenAsSameUser(this.guard, address, this.port, backlog);
      } catch (error) {
        if (!isSystemError(error, EADDRINUSE)) throw error;
        if (!isOurUsers(this.guard)) return this.#listenBeside(address, backlog);
        // A socket that others bound while the port was shared counts as listening during each listen() that is
        // then refused (inet_csk_listen_start): one who loops it made 7 of 300 calls fail here.
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Lets those in that bind and listen with SO_REUSEADDR between its bind and its listen. */
  #listenBeside(address: HoldAddress, backlog?: number): SocketHandle {
    this.guard.setOption('SO_REUSEADDR', true);
    let handle: SocketHandle;
    try {
      handle = listenBeside(address, this.port, backlog);
    } catch (error) {
      this.#shutOut();
      throw error;
    }
    return closingOnError(handle, () => this.#shutOut());
  }

  #shutOut(): void {
    if (!this.#shared) this.guard.setOption('SO_REUSEADDR', false);
  }

  serverSocketClosed(): void {}

  someoneListens(address: HoldAddress): boolean {
    // Where nobody else is let in, a bind tells nothing.
    return this.#shared
      ? listenerBeside(address, this.port)
      : isListenedOn(address.address, this.port);
  }

  isLost(): boolean {
    return false;
  }

  close(): void {
    this.guard.close();
  }
}

/** Whether a socket that is opened now has the same owner: not after setuid(2). */
function isOurUsers({ fd }: SocketHandle): boolean {
  return fstatSync(fd).uid === process.geteuid?.();
}
