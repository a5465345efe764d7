import { type InspectOptionsStylized, inspect } from 'node:util';
import { constants } from '../base/constants';
import type { OptionName } from '../base/option-table';
import type { SocketAddress } from '../socket/socket-address';
import type { OptionValueMap } from './option-plan';
import type { SocketState } from './socket-info';

/** All that a socket tells of itself. */
export interface SocketReport {
  /** Its descriptor, in the process that has it; on Windows a SOCKET. */
  readonly fd: number;
  /** The process, where it was asked for by `{ pid, fd }`. */
  readonly pid?: number;
  /** `constants.AF_INET`, `AF_INET6`, `AF_UNIX` … */
  readonly family: number;
  /** `constants.SOCK_STREAM`, `SOCK_DGRAM` … */
  readonly type: number;
  /** `constants.IPPROTO_TCP`, `IPPROTO_UDP` …; 0 for Unix domain sockets. */
  readonly protocol: number;
  /** Port 0 where it is not bound; absent where the family is none of IPv4, IPv6 and Unix. */
  readonly local?: SocketAddress;
  /** The peer; absent where there is none. */
  readonly remote?: SocketAddress;
  /** As in `SocketInfo`; `'CLOSED'` for a TCP or Unix socket that is neither bound nor connected. */
  readonly state: SocketState;
  /** SO_ACCEPTCONN: whether it accepts connections. */
  readonly listening: boolean;
  /** Of a TCP listener: connections that wait to be accepted. Linux. */
  readonly queue?: number;
  /** Of a TCP listener: how many connections may wait. Linux. */
  readonly backlog?: number;
  /** Bytes that are received and not read, of a datagram socket those of the next datagram; not of listeners. */
  readonly unread?: number;
  /** Bytes that are sent and not acknowledged; not of listeners. */
  readonly unsent?: number;
  /** Every option that this socket has and that can be read without changing anything. */
  readonly options: Readonly<OptionValueMap>;
  /**
   * The options that can be set and differ from those of a new socket of the same kind; absent where no such
   * socket can be made to compare with (a raw socket without the right).
   */
  readonly changed?: readonly OptionName[];
  /** What a new socket has in the place of those that are `changed`. */
  readonly defaults?: Readonly<OptionValueMap>;
}

const FAMILIES = ['AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_NETLINK', 'AF_PACKET', 'AF_VSOCK'] as const;

const TYPES = ['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_SEQPACKET', 'SOCK_RDM'] as const;

const PROTOCOLS = [
  'IPPROTO_TCP',
  'IPPROTO_UDP',
  'IPPROTO_SCTP',
  'IPPROTO_MPTCP',
  'IPPROTO_UDPLITE',
  'IPPROTO_ICMP',
  'IPPROTO_ICMPV6',
  'IPPROTO_RAW',
] as const;

function nameOf(
  names: readonly (typeof FAMILIES | typeof TYPES | typeof PROTOCOLS)[number][],
  value: number,
): string {
  return names.find((name) => constants[name] === value) ?? String(value);
}

/** The C names of a socket's family, type and protocol; numbers where they have none. */
export function kindNames({
  family,
  type,
  protocol,
}: Pick<SocketReport, 'family' | 'type' | 'protocol'>): {
  family: string;
  type: string;
  protocol: string;
} {
  const isInternet = family === constants.AF_INET || family === constants.AF_INET6;
  return {
    family: nameOf(FAMILIES, family),
    type: nameOf(TYPES, type),
    // The numbers of the other families mean something else.
    protocol: isInternet ? nameOf(PROTOCOLS, protocol) : String(protocol),
  };
}

/** Names in place of numbers, and of the options those that were changed: all of them take a hundred lines. */
function print(
  this: SocketReport,
  depth: number,
  options: InspectOptionsStylized,
  show: typeof inspect,
): string {
  if (depth < 0) return options.stylize('[SocketReport]', 'special');
  const count = Object.keys(this.options).length;
  const shown = {
    ...this,
    ...kindNames(this),
    options: { [inspect.custom]: () => options.stylize(`[${count} options]`, 'special') },
  };
  return `SocketReport ${show(shown, options)}`;
}

/**
 * Has console.log print the report well.
 *
 * @internal
 */
export function printable(report: SocketReport): SocketReport {
  return Object.defineProperty(report, inspect.custom, { value: print });
}
