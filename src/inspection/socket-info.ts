import type { OptionName } from '../base/option-table';
import type { SocketAddress } from '../socket/socket-handle';
import type { OptionValueMap } from './option-values';

/** The protocols whose sockets are listed. */
export const SOCKET_PROTOCOLS = ['tcp', 'udp', 'unix'] as const;

export type SocketProtocol = (typeof SOCKET_PROTOCOLS)[number];

export const SOCKET_STATES = [
  'LISTEN',
  'BOUND',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSE_WAIT',
  'CLOSING',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSED',
  'UNCONNECTED',
] as const;

/**
 * The state of a socket. Of TCP those of RFC 9293, by the C names without their prefix, and `'BOUND'`: it
 * has a port, does not listen and is not connected (shown by Linux 6.8 and later). Of UDP and Unix sockets
 * `'ESTABLISHED'` with a fixed peer, `'UNCONNECTED'` without, and for those of Unix that accept
 * connections `'LISTEN'`.
 */
export type SocketState = (typeof SOCKET_STATES)[number];

/** The states of TCP sockets that keep a port as long as their process wants. */
export const KEEPING: readonly SocketState[] = ['LISTEN', 'BOUND'];

/** A process of this machine. */
export interface ProcessInfo {
  pid: number;
  /** The program's short name, such as `'node'`; absent where the process shows none, or has ended. */
  name?: string;
  /** The command line, its arguments joined by spaces; absent where it can't be read. */
  command?: string;
  /** When the process was started. */
  startedAt?: Date;
}

/** A descriptor of a socket, and the process that has it. */
export interface SocketHolder extends ProcessInfo {
  /** The number of the descriptor in that process; absent where the system does not tell (Windows). */
  fd?: number;
  /**
   * The thread through which the descriptor is seen, where the process' main thread has ended: what
   * `/proc/<pid>/fd` no longer shows.
   */
  tid?: number;
}

/** A control group: cgroups(7), version 2. */
export interface ControlGroup {
  /** Its path below the cgroup file system: `'/system.slice/nginx.service'`. */
  path: string;
  /** The systemd unit, where the path names one: `'nginx.service'`. */
  unit?: string;
  /** The container's id, where the path names one as Docker, Podman, containerd and CRI-O do. */
  container?: string;
  /**
   * The processes of the group: only where none was found that has the socket, since it then is one of
   * these, or was.
   */
  processes?: ProcessInfo[];
}

/** Something of a socket that could not be seen. */
export interface Unseen {
  /** What is missing: who has it, or the options that its process set. */
  what: 'processes' | 'options';
  /** The right that would show it; absent where the reason is another. */
  right?: 'root' | 'CAP_SYS_PTRACE';
  /** Why, in words. */
  message: string;
}

/** What a TCP socket waits for. */
export interface SocketTimer {
  kind: 'retransmit' | 'keepalive' | 'time-wait' | 'probe';
  /** Milliseconds until it is due. */
  expires: number;
  /** How often it was due without an answer. */
  retries: number;
}

/** A socket of this machine, as far as the system shows it. */
export interface SocketInfo {
  protocol: SocketProtocol;
  /** `'dgram'` for UDP, `'stream'` for TCP. */
  type: 'stream' | 'dgram' | 'seqpacket';
  /** A Unix socket's path, or its abstract name after a NUL, is its `address`: `''` when it has none. */
  local: SocketAddress;
  /** The peer; absent where there is none. */
  remote?: SocketAddress;
  /** Absent where the system does not tell. */
  state?: SocketState;
  /** The owner: the effective user of the process that made the socket. */
  uid?: number;
  /** The owner's name, where this system has one for it. */
  user?: string;
  /**
   * Who has a descriptor of it, once for each descriptor. Empty for a socket that nobody has any more
   * (TIME_WAIT, FIN_WAIT2 after close, a connection not yet accepted), and where `unseen` says so.
   */
  processes: SocketHolder[];
  /** The group that it was made in; of a Unix socket the one that its first process is in. Linux. */
  cgroup?: ControlGroup;
  /** The socket's number in the file system; absent when no descriptor of it is left. Linux. */
  inode?: number;
  /** The number that this socket alone has until the machine is restarted: SO_COOKIE. Linux. */
  cookie?: bigint;
  /** TIME_WAIT and what follows it: milliseconds until the port is free. Linux. */
  expiresIn?: number;
  /** What a TCP socket waits for. Linux. */
  timer?: SocketTimer;
  /** Of a listener: connections that wait to be accepted. */
  queue?: number;
  /** Of a listener: how many connections may wait. */
  backlog?: number;
  /** Bytes that are received and not read; not of listeners. */
  unread?: number;
  /** Bytes that are sent and not acknowledged; not of listeners. */
  unsent?: number;
  /** Of an IPv6 socket that is not connected: IPV6_V6ONLY, whether it leaves IPv4 alone. Linux. */
  v6only?: boolean;
  /** The congestion control of a TCP socket: `'cubic'`. Linux. */
  congestion?: string;
  /** The network interface that it is bound to: SO_BINDTODEVICE. Linux. */
  device?: string;
  /** The inode of the socket at the other end of a Unix socket. Linux. */
  peer?: number;
  /**
   * Every option that it has and that can be read without changing anything, as in `SocketReport`: with the
   * query's `options`, where a process that has it lets them be read.
   */
  options?: Readonly<OptionValueMap>;
  /** The options that differ from those of a new socket, as in `SocketReport`: beside `options`. */
  changed?: readonly OptionName[];
  /**
   * What could not be seen of it; empty if nothing. Of processes that the query's `processes` leaves out it says
   * nothing.
   */
  unseen: Unseen[];
}

export const HOLDER_SEARCHES = ['all', 'likely', 'first', 'none'] as const;

export type HolderSearch = (typeof HOLDER_SEARCHES)[number];

/** Which sockets are looked for: those for which all that is given holds. */
export interface SocketQuery {
  /** The local port, 1 to 65535. */
  port?: number;
  /** A process that has a descriptor of the socket. */
  pid?: number;
  /** One or several; by default all, or with `port` those that have ports. */
  protocol?: SocketProtocol | readonly SocketProtocol[];
  /** One or several; by default all. */
  state?: SocketState | readonly SocketState[];
  /**
   * How far to look for the processes: `'all'` that have a socket (the default); the `'likely'` ones, by
   * their 256 lowest descriptors and by the number that another process has it at, as children do; the
   * `'first'` that is found; or `'none'`. Each is faster than the one before it, by far where processes have
   * thousands of descriptors.
   */
  processes?: HolderSearch;
  /**
   * Whether to read each socket's options, too, through the first process that lets them be read; false by
   * default. Not with `processes: 'none'`.
   */
  options?: boolean;
}

/** A query whose defaults are filled in; undefined: whatever it is. */
export interface SocketFilter {
  port: number | undefined;
  pid: number | undefined;
  protocols: ReadonlySet<SocketProtocol>;
  states: ReadonlySet<SocketState> | undefined;
  processes: HolderSearch;
}

/** What the system tells of a socket before anybody looks for its processes. */
export interface FoundSocket
  extends Omit<SocketInfo, 'processes' | 'cgroup' | 'unseen' | 'user' | 'options' | 'changed'> {
  /** The number of the control group. Linux. */
  cgroupId?: bigint;
}

/** Whether a socket has the port and the state that are looked for. */
export function matches(filter: SocketFilter, { local, state }: FoundSocket): boolean {
  if (filter.port !== undefined && local.port !== filter.port) return false;
  return filter.states === undefined || (state !== undefined && filter.states.has(state));
}
