/** Which options are read of which sockets, in the form that the native `inspect` takes. */
import type { SocketKind } from '../base/binding';
import { constants } from '../base/constants';
import type { OptionName } from '../base/option-table';
import type { OptionLevel } from '../base/option-table/row';
import type { Codec } from '../options/codecs/codec';
import { reach, supportedOptions } from '../options/socket-options';

/** What the native calls write: how many bytes each value has, or why there is none; and the values. */
export interface OptionResults {
  readonly results: Int32Array;
  readonly values: Buffer;
  /** The same bytes. */
  readonly words: Int32Array;
  /** The same bytes, option by option. */
  readonly views: readonly Buffer[];
}

/** An option, and the place of its value. */
export interface PlannedOption {
  readonly name: OptionName;
  readonly level: OptionLevel;
  readonly codec: Codec<unknown>;
  /** Its place among the results. */
  readonly index: number;
  /** Where its value starts, and how long it may be, in bytes. */
  readonly offset: number;
  readonly room: number;
  /** Whether it can be set, so that it can differ from the default. */
  readonly settable: boolean;
}

/** The arguments of the native `inspect`. Each call overwrites the results. */
export interface OptionPlan extends OptionResults {
  readonly options: readonly PlannedOption[];
  /** Level, number and length of each. */
  readonly calls: Int32Array;
}

const isInternet = ({ family }: SocketKind) =>
  family === constants.AF_INET || family === constants.AF_INET6;

const isTcp = (kind: SocketKind) =>
  isInternet(kind) &&
  kind.type === constants.SOCK_STREAM &&
  (kind.protocol === constants.IPPROTO_TCP || isMptcp(kind));

const isMptcp = ({ protocol }: SocketKind) => protocol === constants.IPPROTO_MPTCP;

const ofFamily = (family: number | undefined) => (kind: SocketKind) => kind.family === family;

const ofProtocol = (protocol: number | undefined) => (kind: SocketKind) =>
  isInternet(kind) && kind.protocol === protocol;

/**
 * The sockets that have options of a level. The kernel refuses those of others itself, but on systems where two
 * levels have the same number (SOL_LOCAL and IPPROTO_IP on macOS and FreeBSD).
 */
const levels: { readonly [Level in OptionLevel]: (kind: SocketKind) => boolean } = {
  SOL_SOCKET: () => true,
  IPPROTO_TCP: isTcp,
  IPPROTO_UDP: ofProtocol(constants.IPPROTO_UDP),
  IPPROTO_SCTP: ofProtocol(constants.IPPROTO_SCTP),
  IPPROTO_IP: isInternet,
  IPPROTO_IPV6: ofFamily(constants.AF_INET6),
  IPPROTO_ICMPV6: ofProtocol(constants.IPPROTO_ICMPV6),
  SOL_RAW: (kind) => isInternet(kind) && kind.type === constants.SOCK_RAW,
  SOL_MPTCP: isMptcp,
  SOL_TLS: isTcp,
  SOL_LOCAL: ofFamily(constants.AF_UNIX),
  AF_VSOCK: ofFamily(constants.AF_VSOCK),
  SOL_NETLINK: ofFamily(constants.AF_NETLINK),
  SOL_PACKET: ofFamily(constants.AF_PACKET),
};

/** As the native code places the values. */
function aligned(length: number): number {
  return (length + 7) & ~7;
}

/** Room for the results of these options. */
export function resultsFor(options: readonly PlannedOption[]): OptionResults {
  const last = options.at(-1);
  const values = Buffer.from(new ArrayBuffer(last ? last.offset + aligned(last.room) : 0));
  return {
    results: new Int32Array(options.length),
    values,
    words: new Int32Array(values.buffer),
    views: options.map(({ offset, room }) => values.subarray(offset, offset + room)),
  };
}

/** All options that may be read of a socket; of any socket where its kind is not known. */
function makePlan(kind: SocketKind | undefined): OptionPlan {
  const options: PlannedOption[] = [];
  const calls: number[] = [];
  let offset = 0;
  for (const name of supportedOptions().keys()) {
    const option = reach(name);
    if (option === undefined || option.access === 'w' || option.notInspected !== undefined)
      continue;
    if (kind !== undefined && !levels[option.levelName](kind)) continue;
    const { codec, levelName: level } = option;
    // Those that are asked a question, or for their length, take calls of their own.
    if (!codec.int && (codec.searched || codec.request?.some((byte) => byte !== 0))) continue;
    const room = codec.int ? 4 : codec.length;
    const settable = option.access === 'rw';
    options.push({ name, level, codec, index: options.length, offset, room, settable });
    calls.push(option.level, option.name, room);
    offset += aligned(room);
  }
  return {
    options,
    calls: Int32Array.from(calls),
    ...resultsFor(options),
  };
}

/** A number for each kind of socket: families and protocols have 16 bits, types 8. */
export function keyOf({ family, type, protocol }: SocketKind): number {
  return (family * 256 + type) * 65536 + protocol;
}

/** The key of the plan for sockets whose kind is not known. */
const ANY = -1;

const plans = new Map<number, OptionPlan>();

/** As `makePlan`; made once for each kind of socket. */
export function planFor(kind?: SocketKind): OptionPlan {
  const key = kind === undefined ? ANY : keyOf(kind);
  let plan = plans.get(key);
  if (plan === undefined) {
    plan = makePlan(kind);
    plans.set(key, plan);
  }
  return plan;
}

/** Those of the plan's options that a socket of that kind can have. */
export function optionsFor(plan: OptionPlan, kind: SocketKind): readonly PlannedOption[] {
  return plan.options.filter(({ level }) => levels[level](kind));
}
