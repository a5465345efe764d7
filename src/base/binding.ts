import { loadAddon } from './addon';
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

/** What a socket tells besides its options. */
export interface NativeInspection extends SocketKind {
  /** Absent where the socket has none, or one of another family than AF_INET, AF_INET6 and AF_UNIX. */
  local?: NativeAddress;
  remote?: NativeAddress;
  /** Bytes received and not yet read; of a datagram socket those of the next datagram. Absent on a listener. */
  unread?: number;
  /** Bytes not yet acknowledged by the peer, or not yet sent. Absent on a listener. */
  unsent?: number;
}

/** A socket of the system, once for each descriptor that processes have of it. */
export interface NativeSocket extends SocketKind {
  /** By the C names without their prefix: `'LISTEN'`, `'TIME_WAIT'`. */
  state?: string;
  local: NativeAddress;
  remote?: NativeAddress;
  pid?: number;
  fd?: number;
  uid?: number;
  /** A listener's connections that wait to be accepted, and how many may. */
  queue?: number;
  backlog?: number;
  unread?: number;
  unsent?: number;
  /** The kernel's name of the socket. */
  id?: bigint;
}

export interface NativeProcess {
  name?: string;
  /** The command line, or the program's path alone; empty where neither can be read. */
  command: string[];
  user?: string;
  /** Milliseconds since 1970. */
  started?: number;
}

/** Keeps a port that chosen programs can bind: duplicates of bound sockets. Closed when it is collected. */
export type NativeGuard = object;

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
  /** Blocks until the connection is established or has failed. */
  connect(fd: number, family: number, address: string, port: number): number;
  /** Blocks until there is a connection to accept; returns its descriptor. */
  accept(fd: number): number;
  /** Another descriptor of the same socket: the first free number from `lowest` on, but on Windows any. */
  duplicate(fd: number, lowest: number): number;
  /** Makes `to` another descriptor of `fd`'s socket; ENOTSUP on Windows. */
  replace(fd: number, to: number): number;
  /** What `process` needs to import the same socket; ENOTSUP on Unix. */
  exportSocket(fd: number, process: number): Buffer | number;
  importSocket(info: Uint8Array): number;
  /**
   * The sockets of this thread's libuv loop, always in the same order: of all TCP and UDP handles, or of
   * those that keep the loop alive. Empty on Unix. Not to be called in Bun, which panics.
   */
  loopSockets(referencedOnly: boolean): number[];
  getsockname(fd: number): NativeAddress | number;
  getpeername(fd: number): NativeAddress | number;
  /** The local port alone, from getsockname; `family` is the socket's. */
  localPort(fd: number, family: number): number;
  describe(fd: number): SocketKind | number;
  /** The value. A failure is libuv's error number minus 2^32: below every value that an int can have. */
  getsockopt(fd: number, level: number, name: number): number;
  getsockoptBytes(fd: number, level: number, name: number, maxLength: number): Buffer | number;
  /** Into the first `length` bytes of `value`, which also are what the kernel reads there: how many were written. */
  getsockoptInto(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array,
    length: number,
  ): number;
  setsockopt(fd: number, level: number, name: number, value: number): number;
  setsockoptBytes(fd: number, level: number, name: number, value: Uint8Array): number;

  /**
   * Reads many options at once. `plan`: level, name and length in bytes of each; `results`: the bytes
   * written, or a negative error number, of each; `values`: one after the other, each rounded up to a
   * multiple of 8 bytes. EINVAL where they do not fit, and nothing is read.
   */
  readOptions(fd: number, plan: Int32Array, results: Int32Array, values: Uint8Array): number;
  /** `readOptions` and all else that the socket tells, in one call. */
  inspect(
    fd: number,
    plan: Int32Array,
    results: Int32Array,
    values: Uint8Array,
  ): NativeInspection | number;
  /**
   * The same of descriptor `fd` of another process, or of a thread by its id. Where `cookie` is not 0n and
   * not the socket's SO_COOKIE: ESTALE. On macOS only what the kernel lists of a socket is read, and the
   * other options are ENOTSUP. ENOTSUP on Windows.
   */
  inspectOf(
    pid: number,
    fd: number,
    cookie: bigint,
    plan: Int32Array,
    results: Int32Array,
    values: Uint8Array,
  ): NativeInspection | number;
  /**
   * What NETLINK_SOCK_DIAG answers to each of the messages in `requests`, one after the other. ENOBUFS
   * where that is more than `limit` bytes. Linux; ENOTSUP elsewhere.
   */
  socketDiag(requests: Uint8Array, limit: number): Buffer | number;
  /**
   * Inode number and descriptor, one after the other, of the sockets that a process (or a thread, by its
   * id) has: those with one of the ascending `inodes`, or all where there are none. Looks at `most`
   * descriptors, the lowest first; with `first` = 1 it ends as soon as each inode has come. Linux; ENOTSUP
   * elsewhere.
   */
  heldSockets(pid: number, inodes: Uint32Array, most: number, first: 0 | 1): number[] | number;
  /** The number of a network interface, by its name or that number as text; 0 where there is none. */
  interfaceIndex(name: string): number;
  /** The name of a network interface, as an IPv6 zone has it; its number where it has none. */
  interfaceName(index: number): string;
  /** The sockets of a process, of all for -1. Not on Linux, which has `socketDiag`: ENOTSUP. */
  listSockets(pid: number): NativeSocket[] | number;
  /** ENOTSUP on Linux, which has /proc. */
  describeProcess(pid: number): NativeProcess | number;

  /** Has the descriptor closed when this thread's environment ends. False if it was marked already. */
  own(fd: number): boolean;
  disown(fd: number): void;

  /** Of bound TCP sockets of one port, which it keeps until `closeGuard`. Linux; ENOTSUP elsewhere. */
  openGuard(sockets: readonly number[]): NativeGuard | number;
  closeGuard(guard: NativeGuard): void;
  /** The last call that kept the guard from looking at a program. */
  guardFailure(guard: NativeGuard): { syscall: string; errno: number } | undefined;
  /**
   * Starts a thread that answers the binds of one program, until it and its descendants have ended. Returns
   * the descriptor that the launcher is to get, owned as by `own`.
   */
  supervise(guard: NativeGuard): number;
}

function loadBinding(): Binding {
  // The addon of this very package: what it exports is written above.
  const binding = loadAddon() as Binding;
  if (binding.startupError < 0) throw systemError(binding.startupError, 'WSAStartup');
  return binding;
}

export const binding = loadBinding();
