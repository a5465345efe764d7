import { reuseAddrSharesBoundPorts } from '../../base/platform';
import type { SocketHandle } from '../../socket/socket-handle';
import type { Hold, HoldAddress } from './hold';
import { bindAlone, listenBeside, listenerBeside } from './sockets';

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

  readonly at: HoldAddress;
  readonly port: number;
  readonly #guard: SocketHandle;
  #shared = false;

  constructor(at: HoldAddress, port: number, guard: SocketHandle = bindAlone(at, port)) {
    this.at = at;
    this.#guard = guard;
    this.port = port === 0 ? guard.address().port : port;
  }

  share(): void {
    this.#guard.setOption('SO_REUSEADDR', true);
    this.#shared = true;
  }

  unshare(): void {
    this.#guard.setOption('SO_REUSEADDR', false);
    this.#shared = false;
  }

  openServerSocket(address: HoldAddress, backlog?: number): SocketHandle {
    // Not a duplicate of the guard: that would be the same socket, which would go on listening,
    // with connections piling up in it, after the server had closed its descriptor.
    this.#guard.setOption('SO_REUSEADDR', true);
    try {
      return listenBeside(address, this.port, backlog);
    } finally {
      if (!this.#shared) this.#guard.setOption('SO_REUSEADDR', false);
    }
  }

  serverSocketClosed(): void {}

  someoneListens(address: HoldAddress): boolean {
    return listenerBeside(address, this.port);
  }

  isLost(): boolean {
    return false;
  }

  close(): void {
    this.#guard.close();
  }
}
