import type { SocketInfo } from '../socket-info';

/** Every cause that `explainPort` names. */
export const PORT_CAUSES = [
  'listening',
  'overlap',
  'bound',
  'reserved',
  'time-wait',
  'connected',
  'orphaned',
  'ephemeral',
  'in-flight',
  'inherited',
  'hidden',
  'other-user',
  'main-thread-ended',
  'reuseport-user',
  'reuseport-shared',
  'privileged',
  'forbidden',
  'not-local',
  'needs-zone',
  'no-ipv6',
  'range-exhausted',
  'device',
  'redirected',
  'unresponsive',
  'elsewhere',
  'no-loopback',
  'container',
  'system-service',
  'excluded-range',
  'free',
] as const;

/**
 * Why a port can't be bound, or why nobody is reached there:
 *
 * - `'listening'`: a socket listens on the address, or receives datagrams there.
 * - `'overlap'`: one does so on another address that takes this one in, or that this one takes in.
 * - `'bound'`: one is bound and does not listen: a server that starts, or a port that is kept.
 * - `'reserved'`: the same, of a process that has loaded this package.
 * - `'time-wait'`: a connection was closed from this side and its port rests for a minute.
 * - `'connected'`: connections are left of a server that listens no more.
 * - `'orphaned'`: connections that no process has, which wait for the other side.
 * - `'ephemeral'`: the system gave the port to a client for its connection.
 * - `'in-flight'`: a descriptor of the socket is on its way through a Unix domain socket to `pid`.
 * - `'inherited'`: `pid` has the socket from the program that started it, and most likely has no use for it.
 * - `'hidden'`: no process that is seen here has the socket.
 * - `'other-user'`: a process of another user has it, and this one may not see which (root, or CAP_SYS_PTRACE).
 * - `'main-thread-ended'`: a process whose main thread has ended has it, and most tools do not find it.
 * - `'reuseport-user'`: it shares its port by SO_REUSEPORT, but only with sockets of its own user.
 * - `'reuseport-shared'`: a bind with SO_REUSEPORT gets the port too, and half of its connections.
 * - `'privileged'`: the port is below those that everybody may bind.
 * - `'forbidden'`: a sandbox or a security module refuses the bind.
 * - `'not-local'`: the address is none of this machine's.
 * - `'needs-zone'`: a link-local address without its interface.
 * - `'no-ipv6'`: IPv6 is off here.
 * - `'range-exhausted'`: the system has no port left to choose from (of port 0).
 * - `'device'`: a socket has the port on one network interface alone.
 * - `'redirected'`: nobody has the port, and yet connections to it are answered from elsewhere, or (Linux) do not
 *   reach even a socket that is bound to it: a packet filter sends them away, refuses or drops them.
 * - `'unresponsive'`: the process is stopped, or does not accept the connections that wait.
 * - `'elsewhere'`: somebody listens, but not where clients look for it.
 * - `'no-loopback'`: the loopback interface is down.
 * - `'container'`: the port belongs to a container.
 * - `'system-service'`: a service of the system has it for another program.
 * - `'excluded-range'`: Windows keeps the port for itself.
 * - `'free'`: the bind gets the port.
 */
export type PortCauseCode = (typeof PORT_CAUSES)[number];

/** One reason, and what to do about it. */
export interface PortCause {
  cause: PortCauseCode;
  /** In one plain sentence or two. */
  message: string;
  /** What to do, in the order to try it. A command stands in backquotes: `` `kill 4711` ends it. `` */
  advice: string[];
  /** The process, where it is known. */
  pid?: number;
  /** Its command line, or its name where that can't be read. */
  command?: string;
  /** The user that has the socket. */
  uid?: number;
  user?: string;
  /** The local address of the socket. */
  address?: string;
  /** After how many milliseconds the cause ends by itself. */
  expiresIn?: number;
}

/** Options that another program's bind may set, or this report's own attempts set. */
export interface SharingOptions {
  SO_REUSEADDR?: boolean;
  SO_REUSEPORT?: boolean;
}

/** A socket that has the port. */
export interface PortHolder extends SocketInfo {
  /**
   * What its process set for other binds; absent where it could not be read, which `unseen` explains, and of
   * connections.
   */
  options?: SharingOptions;
}

export const BIND_OPTIONS = [
  'SO_REUSEADDR',
  'SO_REUSEPORT',
  'IPV6_V6ONLY',
  'SO_EXCLUSIVEADDRUSE',
  'SO_BINDTODEVICE',
] as const;

export type BindOption = (typeof BIND_OPTIONS)[number];

/** A bind that was tried, and at once given up. */
export interface BindAttempt {
  /** The numeric address. */
  host: string;
  /** The options that were on; `'::'` without IPV6_V6ONLY takes in IPv4. */
  options: BindOption[];
  /** The interface of SO_BINDTODEVICE. */
  device?: string;
  /** `'Success'`, or the code of the error, such as `'EADDRINUSE'`. */
  result: string;
}

/** What `explainPort` found. All of it is plain data, in JSON too but for `cookie`, a bigint, and dates. */
export interface PortReport {
  port: number;
  protocol: 'tcp' | 'udp';
  /** As it was asked for; absent: every address. */
  host?: string;
  /** Whether a bind that sets no option gets the port, at every address that was asked for. */
  free: boolean;
  /**
   * The sockets that listen on the port or receive there, on whatever address, and where none of these is in
   * the way of a bind that is refused, all that have the port. `findSockets({ port })` has them always.
   */
  holders: PortHolder[];
  /** Why, the most important first; `'free'` last of them where the port is free. Never empty. */
  causes: PortCause[];
  /** The binds that were tried, in this order. */
  binds: BindAttempt[];
  /** The advice of all causes, in the order to try it, each once. */
  advice: string[];
}

export interface ExplainPortOptions {
  /**
   * The address to bind: numeric, `'localhost'` (both loopback addresses), or `''`, the default: every
   * address.
   */
  host?: string;
  /** `'tcp'`, the default, or `'udp'`. */
  protocol?: 'tcp' | 'udp';
}
