import { URL } from 'node:url';
import { constants } from './constants';
import { invalidArgValue } from './errors';
import { text } from './validate';

/** A socket's address. A Unix domain socket has its path as `address` and no port: 0. */
export interface SocketAddress {
  address: string;
  family: 'IPv4' | 'IPv6' | 'Unix';
  port: number;
}

/** The loopback addresses, literal so that no name is looked up (CPython: `HOSTv4`, `HOSTv6`). */
export const HOST = '127.0.0.1';
export const HOSTv6 = '::1';

/** The wildcard addresses (INADDR_ANY, in6addr_any): every address of the machine. */
export const WILDCARD = '0.0.0.0';
export const WILDCARDv6 = '::';

/** Nearly all that is asked about: a look is a tenth of a parse. */
const usualAddresses = new Map<string, 4 | 6>([
  [HOST, 4],
  [HOSTv6, 6],
  [WILDCARD, 4],
  [WILDCARDv6, 6],
]);

function isIpv4Text(text: string): boolean {
  const parts = text.split('.');
  return (
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && +part < 256)
  );
}

/** By the parser of URLs, which reads RFC 4291's form: Node's isIP has an expression that takes 3 ms to compile. */
function isIpv6Text(text: string): boolean {
  return /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]`);
}

/**
 * 4 or 6 for a numeric address, else 0. As Node's isIP, but for zones: that refuses some that interfaces do
 * have, such as those with an underscore.
 */
export function ipVersion(host: string): 0 | 4 | 6 {
  const usual = usualAddresses.get(host);
  if (usual !== undefined) return usual;
  if (isIpv4Text(host)) return 4;
  const [address = '', ...zone] = host.split('%');
  // C would end the address at the NUL.
  const named = zone.length === 0 || (zone.join('%') !== '' && !host.includes('\0'));
  return named && isIpv6Text(address) ? 6 : 0;
}

export function isIpv6(address: string): boolean {
  return ipVersion(address) === 6;
}

export function isWildcard(address: string): boolean {
  return address === WILDCARD || address === WILDCARDv6;
}

interface Family {
  /** The IP version, as `ipVersion` gives it. */
  version: 4 | 6;
  loopback: string;
  wildcard: string;
}

const families = new Map<number, Family>([
  [constants.AF_INET, { version: 4, loopback: HOST, wildcard: WILDCARD }],
  [constants.AF_INET6, { version: 6, loopback: HOSTv6, wildcard: WILDCARDv6 }],
]);

/** Whether sockets of this family have ports. */
export function hasPorts(family: number): boolean {
  return families.has(family);
}

/**
 * The address for bind(2) or connect(2) that `host` stands for. No name is looked up.
 *
 * @param host a numeric address of the family; `'localhost'`, the default, for its loopback address; `''`
 *   for its wildcard address. For a Unix domain socket a path, which has no default.
 * @param family AF_INET, AF_INET6 or AF_UNIX
 * @returns a numeric address, or the path
 * @throws TypeError for an address of another family, a name, or a path with a NUL in it
 */
export function resolveHost(host: string | undefined, family: number): string {
  const ip = families.get(family);
  if (ip === undefined) return checkPath(text('host', host));
  if (host === undefined) return ip.loopback;
  text('host', host);
  if (host === '') return ip.wildcard;
  if (host === 'localhost') return ip.loopback;
  if (ipVersion(host) === ip.version) return host;
  throw invalidArgValue(
    'host',
    `must be a numeric IPv${ip.version} address, 'localhost' or '' for a socket of this family`,
    host,
  );
}

/** C would end a path at a NUL; a leading NUL marks an abstract name on Linux (unix(7)). */
function checkPath(host: string): string {
  if (host.indexOf('\0') <= 0) return host;
  throw invalidArgValue('host', 'must be a path without NULs, or an abstract name after one', host);
}

/** What to hand to connect(2) to reach a socket that is bound to `address`: a wildcard is no destination. */
export function connectAddress(address: string): string {
  return isWildcard(address) ? HOST : address;
}

/**
 * One spelling for each numeric address, because addresses are compared as text: `0:0::1` becomes `::1`,
 * and the IPv4-mapped `::ffff:127.0.0.1` (RFC 4291, section 2.5.5.2), whose ports are those of 127.0.0.1,
 * becomes that.
 */
export function canonicalAddress(address: string): string {
  if (!isIpv6(address)) return address;
  const [bare, ...zone] = address.split('%');
  const spelled = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(spelled);
  if (mapped === null) return [spelled, ...zone].join('%');
  const [high = 0, low = 0] = mapped.slice(1).map((word) => Number.parseInt(word, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Whether a socket on the address `outer` (`::` as a dual-stack socket) has the ports of `inner` too. */
export function covers(outer: string, inner: string): boolean {
  return outer === inner || outer === WILDCARDv6 || (outer === WILDCARD && ipVersion(inner) === 4);
}

/** Those of the addresses that no other one covers: one socket can be bound to each of them at once. */
export function outermostOf(addresses: readonly string[]): string[] {
  return addresses.filter((a) => !addresses.some((b) => b !== a && covers(b, a)));
}
