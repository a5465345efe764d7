/** Addresses: in_addr, in6_addr and the sockaddr structures. */
import { ipVersion, type SocketAddress } from '../../base/addresses';
import { binding } from '../../base/binding';
import { constants } from '../../base/constants';
import { EINVAL, invalidArgType, invalidArgValue, systemError } from '../../base/errors';
import { ipv4Bytes, ipv4Text, ipv6Bytes, ipv6Text } from '../../base/ip-text';
import { socketAddressesHaveLength } from '../../base/platform';
import { port as checkPort, integer, text } from '../../base/validate';
import { type BytesCodec, native, UINT32_MAX } from './codec';
import { cText } from './plain';

export const IPV4_SIZE = 16;
export const IPV6_SIZE = 28;
/** sizeof(struct sockaddr_storage) on every system. */
export const STORAGE_SIZE = 128;

const viewOf = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The text of an in_addr. */
export function ipv4At(bytes: Buffer, at: number): string {
  return ipv4Text(viewOf(bytes), at);
}

/** The text of an in6_addr. */
export function ipv6At(bytes: Buffer, at: number): string {
  return ipv6Text(viewOf(bytes), at);
}

/** The bytes of a numeric IPv4 address. */
export function ipv4(name: string, value: unknown): number[] {
  const address = text(name, value);
  if (ipVersion(address) === 4) return ipv4Bytes(address);
  throw invalidArgValue(name, 'must be a numeric IPv4 address', value);
}

/** The bytes of a numeric IPv6 address, and the interface that is its zone; 0 without one. */
export function ipv6(name: string, value: unknown): { bytes: number[]; zone: number } {
  const address = text(name, value);
  if (ipVersion(address) !== 6) {
    throw invalidArgValue(name, 'must be a numeric IPv6 address', value);
  }
  const [numeric = '', zone] = address.split('%');
  return {
    bytes: ipv6Bytes(numeric),
    zone: zone === undefined ? 0 : interfaceIndex(name, zone),
  };
}

/** The index of an interface that is told by its name or its index; 0, which is any, without one. */
export function interfaceIndex(name: string, value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return integer(name, value, 0, UINT32_MAX);
  if (typeof value !== 'string') {
    throw invalidArgType(name, "an interface's name or its index", value);
  }
  const index = binding.interfaceIndex(value);
  if (index === 0) throw invalidArgValue(name, 'must be an interface of this machine', value);
  return index;
}

/** The address at `at`, or undefined for none and for families that have no such address. */
export function socketAddressAt(
  bytes: Buffer,
  at: number,
  length: number,
): SocketAddress | undefined {
  if (length < 2) return undefined;
  const family = socketAddressesHaveLength ? bytes[at + 1] : native.u16(bytes, at);
  if (family === constants.AF_INET && length >= 8) {
    return { address: ipv4At(bytes, at + 4), family: 'IPv4', port: bytes.readUInt16BE(at + 2) };
  }
  if (family === constants.AF_INET6 && length >= 24) {
    const zone = length >= IPV6_SIZE ? native.u32(bytes, at + 24) : 0;
    const address = ipv6At(bytes, at + 8);
    return {
      address: zone === 0 ? address : `${address}%${binding.interfaceName(zone)}`,
      family: 'IPv6',
      port: bytes.readUInt16BE(at + 2),
    };
  }
  if (family === constants.AF_UNIX) {
    const abstract = length > 3 && bytes[at + 2] === 0;
    const path = abstract
      ? bytes.toString('utf8', at + 2, at + length)
      : cText(bytes, at + 2, at + length);
    return { address: path, family: 'Unix', port: 0 };
  }
  return undefined;
}

function hasAddress(value: unknown): value is { address: unknown; port?: unknown } {
  return typeof value === 'object' && value !== null && 'address' in value;
}

/** A sockaddr_in or a sockaddr_in6 with the address and the port. */
export function socketAddressBytes(name: string, address: unknown, port: unknown = 0): Buffer {
  const checkedPort = checkPort(`${name}.port`, port);
  const host = text(`${name}.address`, address);
  const version6 = ipVersion(host) === 6;
  const bytes = Buffer.alloc(version6 ? IPV6_SIZE : IPV4_SIZE);
  const family = version6 ? constants.AF_INET6 : constants.AF_INET;
  if (version6) {
    const ip = ipv6(`${name}.address`, host);
    bytes.set(ip.bytes, 8);
    native.setU32(bytes, 24, ip.zone);
  } else {
    bytes.set(ipv4(`${name}.address`, host), 4);
  }
  bytes.writeUInt16BE(checkedPort, 2);
  if (socketAddressesHaveLength) bytes.set([bytes.length, family]);
  else native.setU16(bytes, 0, family);
  return bytes;
}

/** The same of an object `{ address, port }`. */
export function encodeSocketAddress(name: string, value: unknown): Buffer {
  if (!hasAddress(value)) throw invalidArgType(name, 'an object { address, port }', value);
  return socketAddressBytes(name, value.address, value.port);
}

export const ipv4Address: BytesCodec<string> = {
  int: false,
  length: 4,
  decode: (bytes) => ipv4At(bytes, 0),
  encode: (value) => Buffer.from(ipv4('value', value)),
};

function decodeAddress(bytes: Buffer, length: number): SocketAddress {
  const address = socketAddressAt(bytes, 0, length);
  // A socket of a family whose addresses mean nothing here.
  if (address === undefined) throw systemError(EINVAL, 'getsockopt');
  return address;
}

export const address: BytesCodec<SocketAddress> = {
  int: false,
  length: STORAGE_SIZE,
  decode: decodeAddress,
  encode: (value) => encodeSocketAddress('value', value),
};

/** SO_PEERNAME: the kernel refuses a length that is more than the address has (sk_getsockopt). */
export const peerName: BytesCodec<SocketAddress> = { ...address, searched: true };
