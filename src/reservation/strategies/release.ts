import { reuseAddrIsForTimeWait } from '../../base/platform';
import { acceptsConnections } from '../../socket/connect-probe';
import type { SocketHandle } from '../../socket/socket-handle';
import type { Hold, HoldAddress } from './hold';
import { bindAlone, closingOnError, portOf } from './sockets';

/**
 * Windows: while one socket holds a port, no other program can bind it, so the hold must go before
 * the program comes. A server of this process gets the very socket that held the port.
 */
export class ReleaseHold implements Hold {
  static readonly supported = true;
  static readonly coversOtherAddresses = false;
  static readonly needsRealAddress = false;
  static readonly refusesPlainBinds = false;
  static readonly canBeGuarded = false;

  readonly at: HoldAddress;
  readonly port: number;
  #guard: SocketHandle | undefined;
  #shared = false;
  #lost = false;

  constructor(at: HoldAddress, port: number) {
    this.at = at;
    this.#guard = bindAlone(at, port);
    this.port = portOf(this.#guard, port);
  }

  share(): void {
    this.#shared = true;
    this.#lost = false;
    this.close();
  }

  unshare(): void {
    this.#guard ??= bindAlone(this.at, this.port, { otherwise: 'bind' });
    this.#shared = false;
    this.#lost = false;
  }

  openServerSocket(address: HoldAddress, backlog?: number): SocketHandle {
    try {
      const socket = this.#take(address);
      return closingOnError(socket, () => {
        // Connections inherit it: without it those in TIME_WAIT keep the next server out.
        if (reuseAddrIsForTimeWait) socket.setOption('SO_REUSEADDR', true);
        socket.listen(backlog);
      });
    } catch (error) {
      this.serverSocketClosed();
      throw error;
    }
  }

  /** The guard, or when it is bound to a wildcard address, a socket on this address in its place. */
  #take(address: HoldAddress): SocketHandle {
    const guard = this.#guard;
    this.#guard = undefined;
    if (guard && address.address === this.at.address) return guard;
    guard?.close();
    return bindAlone(address, this.port, { otherwise: 'bind' });
  }

  serverSocketClosed(): void {
    // A program may be about to bind the port by its number.
    if (this.#shared) return;
    try {
      this.unshare();
    } catch {
      // Another socket has taken the port, or no descriptor is left. The next openServerSocket or unshare
      // tries again, and throws for it.
      this.#lost = true;
    }
  }

  someoneListens({ address }: HoldAddress, signal: AbortSignal): Promise<boolean> {
    // No bind to see whether it is refused: nothing holds the port, so it could succeed and keep the program
    // that is about to bind it out.
    return acceptsConnections(address, this.port, signal);
  }

  isLost(): boolean {
    return this.#lost;
  }

  close(): void {
    this.#guard?.close();
    this.#guard = undefined;
  }
}
