/** What a row of the option table is made of: how a value is coded, and what is known of the option. */
import type { ConstantName } from '../constants';
import type { kernelAbi } from '../platform';
import type { Fields } from './fields';

/**
 * How a value is coded, in C and here:
 *
 * - `boolean`: an int, any value but 0 is true (BSD systems return the option's flag bit)
 * - `integer`, `unsigned`: 32 bits
 * - `bigint`: 64 unsigned bits
 * - `unsigned16`: 16 bits, and no more is taken
 * - `seconds`, `whole-milliseconds`, `microseconds`: an int
 * - `milliseconds`: a timeval, or Windows' DWORD of milliseconds
 * - `milliseconds64`: a timeval of 64-bit numbers on every machine
 * - `enumeration`: an int that has C names: `'IP_PMTUDISC_DO'`. A number without a name stays a number,
 *   and numbers can be set.
 * - `interface`: an interface's index, in network byte order
 * - `port-range`: `{ low, high }`, two port numbers in an int
 * - `linger`: `{ enabled, seconds }`, a struct linger
 * - `text`: a name
 * - `uuid`: 16 bytes, as text
 * - `credentials`: `{ pid, uid, gid }`, a struct ucred
 * - `peer-credentials`: `{ uid, groups, pid }`, a struct xucred
 * - `integers`: an array of unsigned 32-bit numbers
 * - `ipv4`: an in_addr, as `'127.0.0.1'`
 * - `address`: `{ address, family, port }`, a sockaddr
 * - `peer-name`: the same, of which the kernel wants to know the length before
 * - `membership`: `{ address, interface }`, a struct ip_mreq or ip_mreqn
 * - `source-membership`: `{ address, source, interface }`, a struct ip_mreq_source
 * - `membership6`: `{ address, interface }`, a struct ipv6_mreq
 * - `group`, `group-source`: the same of both families, a struct group_req and a group_source_req
 * - `packet-info`: `{ address, interface }`, a struct in6_pktinfo
 * - `structure`: an object with the structure's fields, or those that the kernel has
 * - `bytes`: as the kernel has them
 */
export type OptionKind = SimpleKind | 'enumeration' | 'structure';

export type SimpleKind =
  | 'boolean'
  | 'integer'
  | 'unsigned'
  | 'bigint'
  | 'unsigned16'
  | 'seconds'
  | 'whole-milliseconds'
  | 'microseconds'
  | 'milliseconds'
  | 'milliseconds64'
  | 'interface'
  | 'port-range'
  | 'linger'
  | 'text'
  | 'uuid'
  | 'credentials'
  | 'peer-credentials'
  | 'integers'
  | 'ipv4'
  | 'address'
  | 'peer-name'
  | 'membership'
  | 'source-membership'
  | 'membership6'
  | 'group'
  | 'group-source'
  | 'packet-info'
  | 'bytes';

/** `r` getOption, `w` setOption. */
export type OptionAccess = 'r' | 'w' | 'rw';

/** The constants that getsockopt(2) takes as its level. */
export type OptionLevel = Extract<
  ConstantName,
  | 'SOL_SOCKET'
  | 'IPPROTO_TCP'
  | 'IPPROTO_UDP'
  | 'IPPROTO_IP'
  | 'IPPROTO_IPV6'
  | 'IPPROTO_ICMPV6'
  | 'IPPROTO_SCTP'
  | 'SOL_LOCAL'
  | 'SOL_MPTCP'
  | 'SOL_TLS'
  | 'SOL_RAW'
  | 'AF_VSOCK'
  | 'SOL_NETLINK'
  | 'SOL_PACKET'
>;

type KernelAbi = NonNullable<typeof kernelAbi>;

export interface Enumeration<Name extends ConstantName> {
  readonly kind: 'enumeration';
  /** Its values' names: constants, of which a platform may have some only. */
  readonly names: readonly Name[];
}

interface FieldsByAbi {
  readonly linux?: Fields;
  readonly darwin?: Fields;
  readonly freebsd?: Fields;
  readonly windows?: Fields;
}

export interface Structure<
  Own extends Fields = Fields,
  Growing extends boolean = boolean,
  Others extends FieldsByAbi = FieldsByAbi,
> {
  readonly kind: 'structure';
  readonly fields: Own;
  /** Those of systems that have another structure. */
  readonly fieldsOn: Others;
  /** Whether kernels return more or fewer of the fields. */
  readonly growing: Growing;
}

/** What is known of an option beyond its kind, its access and where it exists. */
export interface Details {
  /** What to know before it is used. */
  readonly notes?: string;
  /**
   * Why `inspectSocket` does not read it: what a read changes or gives away, or that it needs something
   * put in. `getOption` reads it all the same.
   */
  readonly notInspected?: string;
  /** Another constant that stands for the option where the platform has it. */
  readonly instead?: ConstantName;
  /** The longest value in bytes, where that is more than its kind's usual room. */
  readonly room?: number;
  /** The kind that the option has on one system, where it differs. */
  readonly kindOn?: { readonly [Abi in KernelAbi]?: SimpleKind };
  /** Systems whose headers have the constant, for something else or for nothing. */
  readonly notOn?: readonly KernelAbi[];
  /** What a read puts in: 32-bit numbers. */
  readonly request?: readonly number[];
}

interface RowBase extends Details {
  readonly level: OptionLevel;
  readonly access: OptionAccess;
  /** The platforms that have it, and from which version on. */
  readonly where: string;
}

/** Any row. */
export interface Row extends RowBase {
  readonly kind: OptionKind;
  readonly names?: readonly ConstantName[];
  readonly fields?: Fields;
  readonly fieldsOn?: FieldsByAbi;
  readonly growing?: boolean;
}

type Coding = Enumeration<ConstantName> | Structure;

/** What an option's value is coded as, kept in the row's type: those of getOption follow from it. */
export type RowOf<Of extends SimpleKind | Coding> = RowBase &
  (Of extends SimpleKind ? { readonly kind: Of } : Of);

/** Makes a row. `details`: the notes alone, or all there is to say. */
type RowMaker = <const Of extends SimpleKind | Coding>(
  coding: Of,
  access: OptionAccess,
  where: string,
  details?: string | Details,
) => RowOf<Of>;

export function rowsAt(level: OptionLevel): RowMaker {
  return (coding, access, where, details = {}) => {
    const made: object = {
      level,
      ...(typeof coding === 'string' ? { kind: coding } : coding),
      access,
      where,
      ...(typeof details === 'string' ? { notes: details } : details),
    };
    return made as RowOf<typeof coding>;
  };
}

export function oneOf<const Name extends ConstantName>(...names: Name[]): Enumeration<Name> {
  return { kind: 'enumeration', names };
}

export function structure<const Own extends Fields>(
  fields: Own,
): Structure<Own, false, Record<never, never>> {
  return { kind: 'structure', fields, fieldsOn: {}, growing: false };
}

/**
 * A structure of which kernels have more or fewer fields: what comes back is as long as theirs.
 * `fieldsOn`: the structure of a system that has its own.
 */
export function growingStructure<const Own extends Fields>(
  fields: Own,
): Structure<Own, true, Record<never, never>>;
export function growingStructure<const Own extends Fields, const Others extends FieldsByAbi>(
  fields: Own,
  fieldsOn: Others,
): Structure<Own, true, Others>;
export function growingStructure(
  fields: Fields,
  fieldsOn: FieldsByAbi = {},
): Structure<Fields, true> {
  return { kind: 'structure', fields, fieldsOn, growing: true };
}
