import { type InspectOptionsStylized, inspect } from 'node:util';
import { hasPorts, resolveHost } from '../base/addresses';
import { binding, type SocketKind } from '../base/binding';
import { callSite, toldPlace } from '../base/call-site';
import { constants } from '../base/constants';
import { EINVAL, stateError, systemError } from '../base/errors';
import type { OptionName } from '../base/option-table';
import { backlog as checkBacklog, port as checkPort, descriptor } from '../base/validate';
import {
  type OptionValue,
  readOption,
  type SettableValue,
  writeOption,
} from '../options/socket-options';
import { bindDescriptor } from './bind';
import { describeSocket, OpenDescriptor, openSocket, refuseOtherType } from './descriptor';
import { kindNames } from './kind-names';
import { type ListenTarget, openTarget } from './listen-target';
import { type SocketAddress, toSocketAddress } from './socket-address';

export type { SocketAddress } from './socket-address';

/** What is still needed once the handle itself has been collected: to close the descriptor, with a warning. */
interface Owned {
  fd: number;
  /** Whether it is registered as one to be closed when it is forgotten. */
  readonly watched: boolean;
  openedAt: string | undefined;
}

/** Node's default for `server.listen`. */
export const DEFAULT_BACKLOG = 511;

const forgotten = new FinalizationRegistry<Owned>(({ fd, openedAt }) => {
  binding.close(fd);
  process.emitWarning(`A SocketHandle was never closed: descriptor ${fd} is closed now`, {
    code: 'BINDPORT_FORGOTTEN_HANDLE',
    detail: toldPlace('opened', openedAt),
  });
});

/**
 * A socket's descriptor (on Windows a SOCKET) with one owner: this object, until it is closed,
 * detached, or handed to a server. The descriptor is close-on-exec, not inheritable on Windows.
 *
 * A handle that is forgotten is closed when it is collected, with a process warning that says, with
 * `--trace-warnings`, where it was opened; one that is open when its worker thread ends is closed then.
 */
export class SocketHandle implements Disposable {
  readonly #owned: Owned;
  #gone: 'closed' | 'adopted' | undefined;
  /** `constants.AF_INET`, `AF_INET6`, `AF_UNIX` … */
  readonly family: number;
  /** `constants.SOCK_STREAM`, `SOCK_DGRAM` …, without flags such as SOCK_NONBLOCK. */
  readonly type: number;
  /** `constants.IPPROTO_TCP`, `IPPROTO_UDP` …; what the kernel chose where none was asked for. */
  readonly protocol: number;

  /**
   * Opens a socket: socket(2).
   *
   * @param family the address family, `constants.AF_INET` by default
   * @param type the socket type, `constants.SOCK_STREAM` by default; Linux's SOCK_NONBLOCK may be added
   * @param protocol the protocol, 0 by default: the usual one of family and type
   * @throws TypeError or RangeError for an argument that is no 32-bit integer
   * @throws SystemError with `syscall: 'socket'`, such as EMFILE or EAFNOSUPPORT
   */
  constructor(family?: number, type?: number, protocol?: number);
  /** @internal */
  constructor(open: OpenDescriptor);
  constructor(
    family: number | OpenDescriptor = constants.AF_INET,
    type: number = constants.SOCK_STREAM,
    protocol: number = 0,
  ) {
    const { fd, kind, watched } =
      family instanceof OpenDescriptor ? family : openSocket(family, type, protocol);
    this.family = kind.family;
    this.type = kind.type;
    this.protocol = kind.protocol;
    this.#owned = { fd, watched, openedAt: watched ? callSite(new.target) : undefined };
    if (watched) forgotten.register(this, this.#owned, this.#owned);
  }

  /**
   * Opens a socket whose owner sees to it that it is closed: it is not closed when it is forgotten.
   *
   * @internal
   */
  static unwatched(family: number, type: number): SocketHandle {
    const { fd, kind } = openSocket(family, type, 0);
    return handleOf(new OpenDescriptor(fd, kind, false));
  }

  /**
   * Takes ownership of a descriptor that exists already.
   *
   * @param fd a socket's descriptor (on Windows a SOCKET), owned by nobody else; after a throw it is
   *   still yours
   * @returns its handle
   * @throws TypeError or RangeError for what is no descriptor
   * @throws SystemError with `syscall: 'getsockopt'`: EBADF when it is closed, ENOTSOCK when it is no
   *   socket
   * @throws Error `ERR_SOCKET_HANDLE_OWNED` when another SocketHandle of this thread owns it
   */
  static from(fd: number): SocketHandle {
    const kind = describeSocket(descriptor('fd', fd));
    if (!binding.own(fd)) {
      throw stateError(
        'ERR_SOCKET_HANDLE_OWNED',
        `Descriptor ${fd} belongs to another SocketHandle`,
      );
    }
    return handleOf(new OpenDescriptor(fd, kind));
  }

  /**
   * The handle of a descriptor that the binding has just opened; it is closed after a throw, such as the RangeError
   * of a stack that is full.
   *
   * @internal
   */
  static opened(fd: number): SocketHandle {
    return openedHandle(fd);
  }

  /**
   * The descriptor, still owned by this handle.
   *
   * @throws Error `ERR_SOCKET_HANDLE_CLOSED` after `close`, `ERR_SOCKET_HANDLE_ADOPTED` once
   *   somebody else owns it
   */
  get fd(): number {
    if (this.#gone === undefined) return this.#owned.fd;
    if (this.#gone === 'closed') {
      throw stateError('ERR_SOCKET_HANDLE_CLOSED', 'The SocketHandle is closed');
    }
    throw stateError(
      'ERR_SOCKET_HANDLE_ADOPTED',
      'The SocketHandle has given its descriptor away (adopt, transfer or detach)',
    );
  }

  /** Whether the descriptor is no longer this handle's: closed, detached or handed to a server. */
  get closed(): boolean {
    return this.#gone !== undefined;
  }

  /**
   * Whether the socket is bound to a port (a Unix domain socket: to a path).
   *
   * @throws SystemError with `syscall: 'getsockname'`: EBADF when somebody else closed the descriptor
   */
  get bound(): boolean {
    return this.#boundTo() !== undefined;
  }

  /** As the function `getOption`. */
  getOption<Name extends OptionName>(name: Name): OptionValue<Name> {
    return readOption(this.fd, name);
  }

  /** As the function `setOption`. */
  setOption<Name extends OptionName>(name: Name, value: SettableValue<Name>): void {
    writeOption(this.fd, name, value);
  }

  /**
   * Binds the socket: bind(2). Sets no option before.
   *
   * @param host a numeric address of the socket's family (IPv6 with its zone where it needs one:
   *   `fe80::1%eth0`), `'localhost'` for the family's loopback address (the default), or `''` for the
   *   wildcard address. For a Unix domain socket the path, which it must have, or on Linux an abstract
   *   name after a NUL.
   * @param port the port, 0 to 65535; 0, the default, for an ephemeral port of the kernel's choice
   * @throws TypeError or RangeError for arguments of the wrong type, range or family
   * @throws SystemError with `syscall: 'bind'`, such as EADDRINUSE, EADDRNOTAVAIL or EACCES, and
   *   EINVAL for a socket that is bound already
   */
  bind(host?: string, port: number = 0): void {
    const address = resolveHost(host, this.family);
    checkPort('port', port);
    bindDescriptor(this.fd, this.family, address, port);
  }

  /**
   * Makes the socket accept connections: listen(2). On a socket that listens it sets the backlog.
   *
   * @param backlog how many connections may wait to be accepted, 0 to 2^31 - 1, 511 by default
   *   (Node's); the kernel cuts it to its own limit
   * @throws SystemError with `syscall: 'listen'`, such as EADDRINUSE
   */
  listen(backlog: number = DEFAULT_BACKLOG): void {
    checkBacklog(backlog);
    const error = binding.listen(this.fd, backlog);
    if (error < 0) throw systemError(error, 'listen', this.#address() ?? {});
  }

  /**
   * Connects the socket: connect(2). Blocks this thread until the connection is established, so it is meant
   * for a listener on this machine.
   *
   * @param host as for `bind`
   * @param port the port, 1 to 65535
   * @throws TypeError or RangeError for arguments of the wrong type, range or family
   * @throws SystemError with `syscall: 'connect'`, such as ECONNREFUSED
   */
  connect(host: string, port: number): void {
    const address = resolveHost(host, this.family);
    checkPort('port', port);
    const error = binding.connect(this.fd, this.family, address, port);
    if (error < 0) throw systemError(error, 'connect', { address, port });
  }

  /**
   * Ends a UDP socket's association with its peer, so that it receives from everybody again, and clears
   * the pending error that the peer may have caused (ICMP).
   *
   * @internal
   */
  disconnect(): void {
    // Not checked: macOS disconnects and yet fails, with EAFNOSUPPORT.
    binding.connect(this.fd, constants.AF_UNSPEC, '', 0);
    this.getOption('SO_ERROR');
  }

  /**
   * Takes the next connection of a listening socket: accept(2). Blocks this thread until there is one.
   *
   * @throws SystemError with `syscall: 'accept'`, such as EINVAL or EMFILE
   */
  accept(): SocketHandle {
    const fd = binding.accept(this.fd);
    if (fd < 0) throw systemError(fd, 'accept', this.#address() ?? {});
    return openedHandle(fd);
  }

  /**
   * Another descriptor of the same socket: dup(2). The socket closes with the last of them; options,
   * listening and queues are common to both.
   *
   * @throws SystemError with `syscall: 'dup'`, such as EMFILE
   */
  duplicate(): SocketHandle {
    const fd = binding.duplicate(this.fd, 0);
    if (fd < 0) throw systemError(fd, 'dup');
    const { family, type, protocol } = this;
    return openedHandle(fd, { family, type, protocol });
  }

  /**
   * The address that the socket is bound to: getsockname(2). An unbound socket has port 0 and the
   * wildcard address.
   *
   * @throws SystemError with `syscall: 'getsockname'`; on Windows EINVAL for an unbound socket
   */
  address(): SocketAddress {
    const found = binding.getsockname(this.fd);
    if (typeof found === 'number') throw systemError(found, 'getsockname');
    return toSocketAddress(found);
  }

  /**
   * The address that the socket is connected to: getpeername(2).
   *
   * @throws SystemError with `syscall: 'getpeername'`, such as ENOTCONN
   */
  remoteAddress(): SocketAddress {
    const found = binding.getpeername(this.fd);
    if (typeof found === 'number') throw systemError(found, 'getpeername');
    return toSocketAddress(found);
  }

  /**
   * Moves the bound socket into what `server.listen()` takes here (what `dgramSocket.bind()` takes,
   * for a UDP socket). The target owns the descriptor from then on: listen on it, or it stays open.
   * `adopt` does both in one step.
   *
   * @returns a libuv handle where the runtime has them, else `{ fd }`
   * @throws Error `ERR_SOCKET_NOT_BOUND` for an unbound socket: Node would silently listen elsewhere
   * @throws Error `ERR_SOCKET_BAD_TYPE` for a socket that is neither a stream nor UDP (on Windows: TCP
   *   nor UDP)
   * @throws SystemError with `syscall: 'open'`: EEXIST when this thread's event loop has the
   *   descriptor already; for a UDP socket `'dup'` or `'socket'`: EMFILE, since two more are needed for a
   *   moment. After every throw the descriptor is still this handle's.
   */
  transfer(): ListenTarget {
    this.boundAddress();
    return this.transferBound();
  }

  /**
   * The address of a socket that is about to be handed over. Throws as `transfer` for one that is not bound.
   *
   * @internal
   */
  boundAddress(): SocketAddress {
    const address = this.#boundTo();
    if (address !== undefined) return address;
    throw stateError(
      'ERR_SOCKET_NOT_BOUND',
      'The socket is not bound: bind it before handing it over',
    );
  }

  /**
   * `transfer` of a socket that is known to be bound.
   *
   * @internal
   */
  transferBound(): ListenTarget {
    const { fd, family, type } = this;
    refuseOtherType(fd, type);
    // Before the new owner has it: a worker that is terminated in between must not close it twice.
    binding.disown(fd);
    let target: ListenTarget;
    try {
      target = openTarget(this.#owned, family, type);
    } catch (error) {
      binding.own(this.#owned.fd);
      throw error;
    }
    this.#giveUp('adopted');
    return target;
  }

  /** Gives the descriptor up without closing it. */
  detach(): number {
    const { fd } = this;
    this.#giveUp('adopted');
    binding.disown(fd);
    return fd;
  }

  /**
   * Closes the socket: close(2). Does nothing when the descriptor is no longer this handle's.
   *
   * @throws SystemError with `syscall: 'close'`: EBADF when somebody else closed the descriptor
   */
  close(): void {
    if (this.#gone !== undefined) return;
    this.#giveUp('closed');
    const error = binding.close(this.#owned.fd);
    if (error < 0) throw systemError(error, 'close');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What console.log prints: the socket as it is now, not only what it was opened as. */
  [inspect.custom](depth: number, style: InspectOptionsStylized, show: typeof inspect): string {
    if (depth < 0) return style.stylize('[SocketHandle]', 'special');
    if (this.#gone !== undefined) {
      return `SocketHandle ${show({ [this.#gone === 'closed' ? 'closed' : 'adopted']: true }, style)}`;
    }
    const local = binding.getsockname(this.fd);
    const remote = binding.getpeername(this.fd);
    const shown = {
      fd: this.fd,
      ...kindNames(this),
      ...(typeof local !== 'number' && { local: toSocketAddress(local) }),
      ...(typeof remote !== 'number' && { remote: toSocketAddress(remote) }),
    };
    return `SocketHandle ${show(shown, style)}`;
  }

  #giveUp(gone: 'closed' | 'adopted'): void {
    this.#gone = gone;
    if (this.#owned.watched) forgotten.unregister(this.#owned);
  }

  #boundTo(): SocketAddress | undefined {
    const found = binding.getsockname(this.fd);
    // Windows answers EINVAL for an unbound socket.
    if (typeof found === 'number' && found !== EINVAL) throw systemError(found, 'getsockname');
    return this.#address(found);
  }

  /** The local address, or undefined while the socket is unbound. */
  #address(found = binding.getsockname(this.fd)): SocketAddress | undefined {
    if (typeof found === 'number' || (found.port === 0 && hasPorts(this.family))) return undefined;
    return found.address === '' ? undefined : toSocketAddress(found);
  }
}

// Outside of the class, as the bundler gives a class that names itself another `name`.
function handleOf(open: OpenDescriptor): SocketHandle {
  return new SocketHandle(open);
}

function openedHandle(fd: number, kind?: SocketKind): SocketHandle {
  try {
    return handleOf(new OpenDescriptor(fd, kind ?? describeSocket(fd)));
  } catch (error) {
    binding.close(fd);
    throw error;
  }
}
