import { join } from 'node:path';
import load from 'node-gyp-build';
import { systemError } from './errors';

/** A socket's address as the kernel tells it. */
export interface NativeAddress {
  address: string;
  /** AF_INET, AF_INET6 or AF_UNIX. */
  family: number;
  /** 0 where the family has no ports. */
  port: number;
}

export interface SocketKind {
  family: number;
  type: number;
  protocol: number;
}

/**
 * The addon: one function per system call, no checks of its own. Where nothing else is said, a
 * negative result is libuv's error number. What `socket`, `accept`, `duplicate` and `importSocket` open
 * is owned, as by `own`, from the moment it is open, and until `close` or `disown`.
 */
export interface Binding {
  readonly startupError: number;
  readonly constants: Readonly<Record<string, number>>;
  /** sizeof what SO_RCVTIMEO takes: a timeval, or Windows' DWORD of milliseconds (4). */
  readonly timeoutSize: number;
  /** sizeof(struct linger): two ints, or Windows' two shorts (4). */
  readonly lingerSize: number;

  socket(family: number, type: number, protocol: number): number;
  close(fd: number): number;
  /** `address`: numeric, or a path for AF_UNIX. */
  bind(fd: number, family: number, address: string, port: number): number;
  listen(fd: number, backlog: number): number;
  /** Blocks until the connection stands. */
  connect(fd: number, family: number, address: string, port: number): number;
  /** Blocks until a connection waits; its descriptor. */
  accept(fd: number): number;
  /** Another descriptor of the same socket. */
  duplicate(fd: number): number;
  /** Makes `to` another descriptor of `fd`'s socket; ENOTSUP on Windows. */
  replace(fd: number, to: number): number;
  /** What `process` needs to import the same socket; ENOTSUP on Unix. */
  exportSocket(fd: number, process: number): Buffer | number;
  importSocket(info: Uint8Array): number;
  /**
   * The sockets of this thread's libuv loop, in an order that stays: of all TCP and UDP handles, or of
   * those that keep the loop alive. Empty on Unix. Not to be called in Bun, which panics.
   */
  loopSockets(referencedOnly: boolean): number[];
  getsockname(fd: number): NativeAddress | number;
  getpeername(fd: number): NativeAddress | number;
  /** getsockname's port alone, of a socket of that family. */
  localPort(fd: number, family: number): number;
  describe(fd: number): SocketKind | number;
  /** The value; a failure is libuv's error number less 2^32, below every 32-bit value. */
  getsockopt(fd: number, level: number, name: number): number;
  getsockoptBytes(fd: number, level: number, name: number, maxLength: number): Buffer | number;
  setsockopt(fd: number, level: number, name: number, value: number): number;
  setsockoptBytes(fd: number, level: number, name: number, value: Uint8Array): number;

  /** Has the descriptor closed when this thread's environment ends. False if it was marked already. */
  own(fd: number): boolean;
  disown(fd: number): void;
}

function loadBinding(): Binding {
  // Prebuilt, or built by node-gyp in a checkout: both below the package's folder.
  const binding = load<Binding>(join(__dirname, '../..'));
  if (binding.startupError < 0) throw systemError(binding.startupError, 'WSAStartup');
  return binding;
}

export const binding = loadBinding();
