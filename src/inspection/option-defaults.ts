/** What options a new socket has, and which of a socket's differ from them. */
import { binding, type SocketKind } from '../base/binding';
import type { OptionName } from '../base/option-table';
import {
  decodeInto,
  keyOf,
  type OptionPlan,
  type OptionResults,
  type OptionValueMap,
  type PlannedOption,
  resultsFor,
} from './option-plan';

export interface Changes {
  readonly changed: readonly OptionName[];
  readonly defaults: OptionValueMap;
}

function readNewSocket(
  { options, calls }: OptionPlan,
  { family, type, protocol }: SocketKind,
): OptionResults | undefined {
  const fd = binding.socket(family, type, protocol);
  // A raw socket, for one, needs a right that the program may lack.
  if (fd < 0) return undefined;
  const initial = resultsFor(options);
  const error = binding.readOptions(fd, calls, initial.results, initial.values);
  binding.close(fd);
  return error < 0 ? undefined : initial;
}

/** Read once: what a new socket has changes with the system's settings only. */
function defaultsFor(plan: OptionPlan, kind: SocketKind): OptionResults | undefined {
  const key = keyOf(kind);
  const defaults = plan.defaults.get(key);
  if (defaults !== undefined || plan.defaults.has(key)) return defaults;
  const read = readNewSocket(plan, kind);
  plan.defaults.set(key, read);
  return read;
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

/** Compares whole words: what is beyond the value is 0. */
function sameValue(offset: number, length: number, one: Int32Array, other: Int32Array): boolean {
  const end = (offset + length + 3) >> 2;
  for (let word = offset >> 2; word < end; word++) if (one[word] !== other[word]) return false;
  return true;
}

/**
 * Compares what `inspect` has left in the plan with a new socket of the same kind; undefined where none can be
 * made.
 */
export function changesIn(
  plan: OptionPlan,
  options: readonly PlannedOption[],
  kind: SocketKind,
  circumstances: Circumstances,
): Changes | undefined {
  const initial = defaultsFor(plan, kind);
  if (initial === undefined) return undefined;
  const changed = options.filter(({ name, settable, index, offset }) => {
    const length = plan.results[index] ?? -1;
    if (!settable || length < 0) return false;
    if (length === initial.results[index] && sameValue(offset, length, plan.words, initial.words)) {
      return false;
    }
    return setByKernel.get(name)?.(circumstances) !== true;
  });
  const comparable = changed.filter(({ index }) => (initial.results[index] ?? -1) >= 0);
  return {
    changed: changed.map(({ name }) => name),
    defaults: decodeInto({}, comparable, initial),
  };
}
