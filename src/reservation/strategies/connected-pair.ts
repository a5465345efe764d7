import { EINVAL, ENOTCONN, isSystemError } from '../../base/errors';
import { reuseAddrSharesConnectedPorts } from '../../base/platform';
import { type SocketAddress, SocketHandle } from '../../socket/socket-handle';
import { BoundHold } from './bound';
import type { Hold, HoldAddress } from './hold';
import { bindAlone, usedOrClosed } from './sockets';

/**
 * macOS, FreeBSD: an established loopback connection keeps its local port out of the kernel's choice,
 * while binds with SO_REUSEADDR look only at sockets without a peer. A bound socket would not do: there
 * an exact second bind needs SO_REUSEPORT on both sides.
 */
export class ConnectedPairHold implements Hold {
  static readonly supported = reuseAddrSharesConnectedPorts;
  static readonly coversOtherAddresses = false;
  static readonly needsRealAddress = true;
  static readonly refusesPlainBinds = true;
  static readonly canBeGuarded = false;

  readonly at: HoldAddress;
  readonly #near: BoundHold;
  readonly #far: SocketHandle;

  constructor(at: HoldAddress, port: number) {
    this.at = at;
    [this.#near, this.#far] = connectPair(at, port);
  }

  get port(): number {
    return this.#near.port;
  }

  share(): void {
    this.#near.share();
  }

  unshare(): void {
    this.#near.unshare();
  }

  openServerSocket(address: HoldAddress, backlog?: number): SocketHandle {
    return this.#near.openServerSocket(address, backlog);
  }

  serverSocketClosed(): void {}

  someoneListens(address: HoldAddress): boolean {
    return this.#near.someoneListens(address);
  }

  isLost(): boolean {
    return false;
  }

  close(): void {
    // The far end first: the end that closes first is the one that stays in TIME_WAIT, and the
    // port must be free at once.
    try {
      this.#far.close();
    } finally {
      this.#near.close();
    }
  }
}

/** The accepted end of a connection, whose local port is the one to keep, and the other end. */
function connectPair(at: HoldAddress, port: number): [BoundHold, SocketHandle] {
  // Room for clients of an earlier server that try again and again: without it connect would block.
  const listener = bindAlone(at, port, { start: (bound) => bound.listen() });
  let near: BoundHold | undefined;
  let far: SocketHandle | undefined;
  try {
    const { port: chosen } = listener.address();
    far = SocketHandle.unwatched(listener.family, listener.type);
    far.connect(at.address, chosen);
    near = new BoundHold(at, chosen, acceptFrom(listener, far));
    listener.close();
    return [near, far];
  } catch (error) {
    far?.close();
    near?.close();
    listener.close();
    throw error;
  }
}

/** The end of the connection that came from `far`: others get a reset, as they do from a free port. */
function acceptFrom(listener: SocketHandle, far: SocketHandle): SocketHandle {
  const wanted = far.address();
  for (;;) {
    const near = listener.accept();
    const peer = usedOrClosed(near, () => peerOf(near));
    if (peer?.port === wanted.port && peer.address === wanted.address) return near;
    reset(near);
  }
}

function reset(socket: SocketHandle): void {
  try {
    socket.setOption('SO_LINGER', { enabled: true, seconds: 0 });
  } catch {
    // macOS: the peer has reset it already.
  }
  socket.close();
}

/** Undefined when the peer has reset the connection already (macOS: EINVAL). */
function peerOf(near: SocketHandle): SocketAddress | undefined {
  try {
    return near.remoteAddress();
  } catch (error) {
    // Anything else could be so of each connection: then ours would be waited for in vain.
    if (!isSystemError(error, ENOTCONN, EINVAL)) throw error;
    return undefined;
  }
}
