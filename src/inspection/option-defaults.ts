/** Which of the options that differ from a new socket's were set, and not changed by the kernel. */
import type { OptionName } from '../base/option-table';
import type { PlannedOption } from './option-plan';
import { decode, type OptionValueMap, type Selection } from './option-values';

export interface Changes {
  readonly changed: readonly OptionName[];
  readonly defaults: OptionValueMap;
}

/** What decides whether it was the kernel that gave an option another value. */
export interface Circumstances {
  readonly listening: boolean;
  readonly connected: boolean;
  /** SOCK_STREAM. */
  readonly stream: boolean;
  /** Bound to a single address, not to the wildcard. */
  readonly specific: boolean;
  /** SO_BUF_LOCK (Linux 5.14): bit 0 for a send buffer whose size was set, bit 1 for a receive buffer. */
  readonly bufferLock: number | undefined;
}

/** A connection takes the options of the network layer from the segment that opened it. */
const ofConnections = ({ connected, stream }: Circumstances) => connected && stream;

/** Connections change their buffers' sizes (tcp(7), tcp_moderate_rcvbuf) unless they were set. */
const ofBuffers = (bit: number) => (socket: Circumstances) =>
  ofConnections(socket) && (socket.bufferLock === undefined || (socket.bufferLock & bit) === 0);

/** Options that the kernel sets, too, and when. Each was seen to change by itself on Linux 6.18. */
const setByKernel = new Map<OptionName, (socket: Circumstances) => boolean>([
  // The clock.
  ['TCP_TIMESTAMP', () => true],
  // The processor that a segment or datagram came on; listeners have none unless it was set.
  ['SO_INCOMING_CPU', ({ listening }) => !listening],
  // Set with the next two.
  ['SO_BUF_LOCK', () => true],
  ['SO_SNDBUF', ofBuffers(1)],
  ['SO_RCVBUF', ofBuffers(2)],
  // Chosen at listen and connect before Linux 6.0: include/net/sock.h, SOCK_TXREHASH_DEFAULT.
  ['SO_TXREHASH', ({ listening, connected }) => listening || connected],
  ['TCP_MAXSEG', ofConnections],
  ['TCP_WINDOW_CLAMP', ofConnections],
  ['TCP_QUICKACK', ofConnections],
  ['IP_MULTICAST_TTL', ofConnections],
  ['IPV6_MULTICAST_HOPS', ofConnections],
  ['IPV6_MULTICAST_IF', ofConnections],
  ['IPV6_MTU', ({ connected }) => connected],
  // ENOTCONN or the family: no value that anybody sets.
  ['IPV6_ADDRFORM', () => true],
  // net/ipv6/af_inet6.c, __inet6_bind: a single IPv6 address has it.
  ['IPV6_V6ONLY', ({ specific }) => specific],
]);

/**
 * Which of the options that differ from a new socket's somebody has set; undefined where no such socket can be
 * made.
 */
export function changesIn(
  { initial }: Selection,
  differing: readonly PlannedOption[],
  circumstances: Circumstances,
): Changes | undefined {
  if (initial === undefined) return undefined;
  const changed = differing.filter(
    ({ name, settable }) => settable && setByKernel.get(name)?.(circumstances) !== true,
  );
  const comparable = changed.filter(({ index }) => (initial.results[index] ?? -1) >= 0);
  return { changed: changed.map(({ name }) => name), defaults: decode(comparable, initial) };
}
