import { constants, type OptionKind, type OptionName } from '../../src/index';
import { hasUnixSockets } from './network';
import { isLinux, isWine } from './platform';

/** A value to set, and what reading it back gives. */
export interface Sample {
  value: unknown;
  reads: unknown;
}

const same = (value: unknown): Sample => ({ value, reads: value });

/** BPF_RET|BPF_K 0xffff: accept the packet. */
export const acceptAll = new Uint8Array(Uint16Array.of(6, 0, 0xffff, 0).buffer);

/** What is right for most options of a kind; credentials can't be set. */
const ofKind: Record<Exclude<OptionKind, 'credentials'>, Sample[]> = {
  boolean: [same(true), same(false)],
  integer: [same(1), same(0)],
  unsigned: [same(0xfffffff0)],
  bigint: [same(123_456_789_012n)],
  milliseconds: [same(2000), same(0)],
  // In this order: Linux keeps the seconds when linger is disabled.
  linger: [same({ enabled: false, seconds: 0 }), same({ enabled: true, seconds: 3 })],
  text: [same('lo')],
  integers: [same([1, 0])],
  bytes: [same(acceptAll)],
};

const doubled = [{ value: 8192, reads: isLinux ? 16384 : 8192 }];

/** Options with values, or answers, of their own: socket(7). */
const ofName: Partial<Record<OptionName, Sample[]>> = {
  SO_RCVBUF: doubled,
  SO_SNDBUF: doubled,
  SO_RCVLOWAT: [same(7)],
  SO_BINDTODEVICE: [same('lo'), same('')],
  // Obsolete: set without effect since Linux 2.2.
  SO_BSDCOMPAT: [{ value: true, reads: false }],
  SO_LOCK_FILTER: [same(true)],
  SO_MARK: [same(0xfffffff0), same(7)],
  SO_PEEK_OFF: [same(3), same(-1)],
  SO_PRIORITY: [same(3)],
  // SOF_TIMESTAMPING_RX_SOFTWARE
  SO_TIMESTAMPING: [same(8)],
  // Wine takes both and keeps neither.
  ...(isWine && {
    SO_DEBUG: [{ value: true, reads: false }],
    SO_DONTROUTE: [{ value: false, reads: true }],
  }),
  // A whole page; more is rounded up.
  SO_RESERVE_MEM: [same(0)],
};

export function samplesFor(name: OptionName, kind: OptionKind): Sample[] {
  return ofName[name] ?? (kind === 'credentials' ? [] : ofKind[kind]);
}

/** Sockets of these kinds are tried: not every option belongs to each. */
export const socketKinds = [
  { family: constants.AF_INET, type: constants.SOCK_STREAM },
  { family: constants.AF_INET, type: constants.SOCK_DGRAM },
  { family: constants.AF_INET6, type: constants.SOCK_STREAM },
  ...(hasUnixSockets ? [{ family: constants.AF_UNIX, type: constants.SOCK_STREAM }] : []),
];

/** What any user may set, on one of those kinds at least. */
const everywhere: OptionName[] = [
  'SO_REUSEADDR',
  'SO_BROADCAST',
  'SO_DONTROUTE',
  'SO_KEEPALIVE',
  'SO_LINGER',
  'SO_OOBINLINE',
  'SO_RCVBUF',
  'SO_RCVTIMEO',
  'SO_SNDBUF',
  'SO_SNDTIMEO',
];
const onLinux: OptionName[] = [
  'SO_ATTACH_FILTER',
  'SO_BINDTODEVICE',
  'SO_BSDCOMPAT',
  'SO_BUSY_POLL_BUDGET',
  'SO_INCOMING_CPU',
  'SO_LOCK_FILTER',
  'SO_MAX_PACING_RATE',
  'SO_NO_CHECK',
  'SO_PASSCRED',
  'SO_PEEK_OFF',
  'SO_PRIORITY',
  'SO_RCVLOWAT',
  'SO_REUSEPORT',
  'SO_RXQ_OVFL',
  'SO_SELECT_ERR_QUEUE',
  'SO_TIMESTAMP',
  'SO_TIMESTAMPING',
  'SO_TIMESTAMPNS',
  'SO_TXTIME',
  'SO_WIFI_STATUS',
  'SO_ZEROCOPY',
];

export const surelySettable: ReadonlySet<OptionName> = new Set([
  ...everywhere,
  ...(isLinux ? onLinux : []),
]);
