import { isIpv6 } from '../../base/addresses';
import type { SocketHandle } from '../../socket/socket-handle';

/** An address to keep a port on. */
export interface HoldAddress {
  readonly protocol: 'tcp' | 'udp';
  /** Numeric. */
  readonly address: string;
  readonly ipv6: boolean;
}

export function holdAddress(protocol: 'tcp' | 'udp', address: string): HoldAddress {
  return { protocol, address, ipv6: isIpv6(address) };
}

/** One port kept on one address. */
export interface Hold {
  readonly at: HoldAddress;
  readonly port: number;
  /** Lets other programs bind the port. Harmless when they may already. */
  share(): void;
  /** The opposite. Programs that listen go on listening. */
  unshare(): void;
  /**
   * A socket on the port, for a server of this process or a program: TCP listens already, UDP receives.
   *
   * @param address one that the hold covers
   */
  openServerSocket(address: HoldAddress, backlog?: number): SocketHandle;
  /** To be called when the server or program that had the socket has closed it. */
  serverSocketClosed(): void;
  /** Whether somebody listens on the shared port at this address; false when the signal aborts. */
  someoneListens(address: HoldAddress, signal: AbortSignal): boolean | Promise<boolean>;
  /** The bound socket that keeps the port, where programs can be let in beside it from outside them. */
  readonly guard?: SocketHandle;
  /** Whether the port could not be bound again when a server or program had closed it. */
  isLost(): boolean;
  close(): void;
}

/** Closes every one of them; then throws what the first that failed threw. */
export function closeAll(all: readonly { close(): void }[]): void {
  closeFrom(all, 0);
}

function closeFrom(all: readonly { close(): void }[], index: number): void {
  const next = all[index];
  if (next === undefined) return;
  try {
    next.close();
  } finally {
    closeFrom(all, index + 1);
  }
}

/** A way to keep a TCP port: the class of its holds, which says what they can do. */
export interface TcpStrategy {
  /** Port 0 for one of the kernel's choice. Throws SystemError as bind(2) gives it. */
  new (at: HoldAddress, port: number): Hold;
  /** Whether this platform has what it relies on: a capability of base/platform.ts, or true. */
  readonly supported: boolean;
  /**
   * Whether a hold on a wildcard address lets servers in on any single address as well. Then a reservation
   * without a host keeps the port on every address.
   */
  readonly coversOtherAddresses: boolean;
  /** Whether it can't keep a port on a wildcard address, but only on 127.0.0.1 in its place. */
  readonly needsRealAddress: boolean;
  /** Whether a shared port is in use for programs that do not set SO_REUSEADDR. */
  readonly refusesPlainBinds: boolean;
  /** Whether its holds have a `guard`. */
  readonly canBeGuarded: boolean;
}
