import { type InspectOptionsStylized, inspect } from 'node:util';
import type { OptionName } from '../base/option-table';
import { kindNames } from '../socket/kind-names';
import type { SocketAddress } from '../socket/socket-address';
import type { OptionValueMap } from './option-values';
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
   * socket could be made to compare with (a raw socket without the right, no descriptor left).
   */
  readonly changed?: readonly OptionName[];
  /** What a new socket has in the place of those that are `changed`. */
  readonly defaults?: Readonly<OptionValueMap>;
}

/**
 * A report that console.log prints well: names in place of numbers, and of the options those that were changed,
 * since all of them take a hundred lines.
 *
 * @internal
 */
export class InspectedSocket implements SocketReport {
  declare pid?: number;
  declare local?: SocketAddress;
  declare remote?: SocketAddress;
  declare queue?: number;
  declare backlog?: number;
  declare unread?: number;
  declare unsent?: number;
  declare changed?: readonly OptionName[];
  declare defaults?: OptionValueMap;

  constructor(
    readonly fd: number,
    readonly family: number,
    readonly type: number,
    readonly protocol: number,
    readonly state: SocketState,
    readonly listening: boolean,
    readonly options: OptionValueMap,
  ) {}

  [inspect.custom](depth: number, style: InspectOptionsStylized, show: typeof inspect): string {
    if (depth < 0) return style.stylize('[SocketReport]', 'special');
    const { fd, pid, local, remote, state, options, ...rest } = this;
    const count = `[${Object.keys(options).length} options]`;
    const shown = {
      fd,
      ...(pid !== undefined && { pid }),
      ...kindNames(this),
      ...(local && { local }),
      ...(remote && { remote }),
      state,
      options: { [inspect.custom]: () => style.stylize(count, 'special') },
    };
    return `SocketReport ${show({ ...shown, ...rest, ...kindNames(this) }, style)}`;
  }
}
