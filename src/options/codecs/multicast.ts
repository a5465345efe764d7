/** Multicast groups and the interfaces that join them: RFC 3493, RFC 3678, ip(7). */
import { ipVersion } from '../../base/addresses';
import { constants } from '../../base/constants';
import { invalidArgType } from '../../base/errors';
import {
  groupAddressOffset,
  hasMembershipsByIndex,
  interfaceComesBeforeSource,
} from '../../base/platform';
import {
  IPV4_SIZE,
  interfaceIndex,
  ipv4,
  ipv6,
  ipv6At,
  STORAGE_SIZE,
  socketAddressBytes,
} from './addresses';
import { type BytesCodec, native } from './codec';

/** A multicast group. */
export interface Membership {
  /** The group: `'224.0.0.251'`, `'ff02::fb'`. */
  address: string;
  /**
   * The interface: its index or its name, of IPv4 also one of its addresses. The system chooses where there
   * is none.
   */
  interface?: string | number;
}

/** A multicast group, of which one sender is meant. */
export interface SourceMembership extends Membership {
  /** The sender's address. */
  source: string;
}

/** What an IPv6 packet says of itself: the address it is sent from, and through which interface. */
export interface PacketInfo {
  address: string;
  interface: string | number;
}

interface Unchecked {
  readonly address: unknown;
  readonly source?: unknown;
  readonly interface?: unknown;
}

function checked(value: unknown, shape: string): Unchecked {
  const fits = (given: unknown): given is Unchecked =>
    typeof given === 'object' && given !== null && 'address' in given;
  if (fits(value)) return value;
  throw invalidArgType('value', `an object ${shape}`, value);
}

function neverRead(): never {
  throw new Error('memberships can only be set');
}

/** An interface as `struct ip_mreq` has it: by one of its addresses, or undefined where it is told otherwise. */
function interfaceAddress(value: unknown): number[] | undefined {
  if (value === undefined) return [0, 0, 0, 0];
  return typeof value === 'string' && ipVersion(value) === 4
    ? ipv4('value.interface', value)
    : undefined;
}

/** The index as Windows takes it in the place of an address: 0.0.0.x (Microsoft, IP_ADD_MEMBERSHIP). */
function indexAsAddress(index: number): number[] {
  return [index >>> 24, (index >>> 16) & 0xff, (index >>> 8) & 0xff, index & 0xff];
}

/** struct ip_mreq, or struct ip_mreqn for an interface that is told by its index. */
export const membership: BytesCodec<Membership> = {
  int: false,
  length: 12,
  decode: neverRead,
  encode(value) {
    const given = checked(value, '{ address, interface }');
    const group = ipv4('value.address', given.address);
    const wanted = given.interface;
    const address = interfaceAddress(wanted);
    if (address !== undefined) return Buffer.from([...group, ...address]);
    const index = interfaceIndex('value.interface', wanted);
    if (!hasMembershipsByIndex) return Buffer.from([...group, ...indexAsAddress(index)]);
    const bytes = Buffer.alloc(12);
    bytes.set(group);
    native.setI32(bytes, 8, index);
    return bytes;
  },
};

/** struct ip_mreq_source, whose fields Linux has in another order. */
export const sourceMembership: BytesCodec<SourceMembership> = {
  int: false,
  length: 12,
  decode: neverRead,
  encode(value) {
    const given = checked(value, '{ address, source, interface }');
    const group = ipv4('value.address', given.address);
    const source = ipv4('value.source', given.source);
    const at =
      given.interface === undefined ? [0, 0, 0, 0] : ipv4('value.interface', given.interface);
    return Buffer.from(
      interfaceComesBeforeSource ? [...group, ...at, ...source] : [...group, ...source, ...at],
    );
  },
};

/** An in6_addr and an interface's index: struct ipv6_mreq, struct in6_pktinfo. */
function encodeIpv6AndInterface(value: unknown): Buffer {
  const given = checked(value, '{ address, interface }');
  const { bytes: address, zone } = ipv6('value.address', given.address);
  const wanted = given.interface;
  const bytes = Buffer.alloc(20);
  bytes.set(address);
  native.setU32(bytes, 16, wanted === undefined ? zone : interfaceIndex('value.interface', wanted));
  return bytes;
}

export const membership6: BytesCodec<Membership> = {
  int: false,
  length: 20,
  decode: neverRead,
  encode: encodeIpv6AndInterface,
};

export const packetInfo: BytesCodec<PacketInfo> = {
  int: false,
  length: 20,
  decode: (bytes) => ({ address: ipv6At(bytes, 0), interface: native.u32(bytes, 16) }),
  encode: encodeIpv6AndInterface,
};

/** A group_req, or a group_source_req: an interface's index and one sockaddr_storage or two. */
function encodeGroup(value: unknown, withSource: boolean): Buffer {
  const given = checked(
    value,
    withSource ? '{ address, source, interface }' : '{ address, interface }',
  );
  const group = socketAddressBytes('value', given.address);
  const index = interfaceIndex('value.interface', given.interface);
  const bytes = Buffer.alloc(groupAddressOffset + (withSource ? 2 : 1) * STORAGE_SIZE);
  native.setU32(bytes, 0, index);
  bytes.set(group, groupAddressOffset);
  if (withSource) {
    const source =
      group.length === IPV4_SIZE
        ? ipv4('value.source', given.source)
        : ipv6('value.source', given.source).bytes;
    const at = groupAddressOffset + STORAGE_SIZE;
    bytes.set(group.subarray(0, 2), at);
    bytes.set(source, at + (group.length === IPV4_SIZE ? 4 : 8));
  }
  return bytes;
}

/** These options are at the level of the group's family. */
function groupLevel(bytes: Uint8Array): number {
  // The family is where an address of IPv6 has it: AF_INET6 in one of the two bytes, and never AF_INET.
  const isIpv6 = [0, 1].some((i) => bytes[groupAddressOffset + i] === constants.AF_INET6);
  return isIpv6 ? constants.IPPROTO_IPV6 : constants.IPPROTO_IP;
}

export const group: BytesCodec<Membership> = {
  int: false,
  length: groupAddressOffset + STORAGE_SIZE,
  decode: neverRead,
  encode: (value) => encodeGroup(value, false),
  level: groupLevel,
};

export const groupSource: BytesCodec<SourceMembership> = {
  int: false,
  length: groupAddressOffset + 2 * STORAGE_SIZE,
  decode: neverRead,
  encode: (value) => encodeGroup(value, true),
  level: groupLevel,
};
