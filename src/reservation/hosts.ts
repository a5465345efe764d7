import {
  canonicalAddress,
  connectAddress,
  HOST,
  HOSTv6,
  ipVersion,
  outermostOf,
  WILDCARD,
  WILDCARDv6,
} from '../base/addresses';
import { constants } from '../base/constants';
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  invalidArgType,
  invalidArgValue,
  isSystemError,
} from '../base/errors';
import { SocketHandle } from '../socket/socket-handle';
import type { TcpStrategy } from './strategies/hold';

export const LOCALHOST = 'localhost';

/** The IPv6 addresses that the machine is known to have: to try one costs as much as a reservation. */
const known = new Set<string>();

/** Where a reservation holds its port and where it serves. */
export interface ReservedHosts {
  /** As it was asked for; of several the first. */
  readonly host: string;
  /** Numeric: where servers of this process listen, and where programs are looked for. */
  readonly addresses: readonly string[];
  /** The addresses to keep the TCP port on: they cover `addresses`, and none covers another. */
  readonly tcp: readonly string[];
  readonly udp: readonly string[];
}

/**
 * Without a host the TCP port is kept on every address, because a program may listen on any: a hold on
 * 127.0.0.1 alone shared its port with a socket on another address in 349 of 5,000 cases, and then
 * a program that listens on the wildcard address fails.
 */
export function reservedHosts(
  host: unknown,
  { coversOtherAddresses, needsRealAddress }: TcpStrategy,
): ReservedHosts {
  if (host === undefined) {
    const everywhere = hasIpv6(WILDCARDv6) ? WILDCARDv6 : WILDCARD;
    return {
      host: HOST,
      addresses: [HOST],
      tcp: [coversOtherAddresses ? everywhere : HOST],
      udp: [HOST],
    };
  }
  const names = Array.isArray(host) ? host : [host];
  if (names.length === 0) throw invalidArgValue('options.host', 'must not be empty', host);
  const addresses = [...new Set(names.flatMap(numeric))];
  const outermost = outermostOf(addresses);
  const keep = needsRealAddress ? outermost.map(connectAddress) : outermost;
  return { host: String(names[0]), addresses, tcp: [...new Set(keep)], udp: outermost };
}

/** What `'localhost'` stands for. A machine without IPv6 has one loopback address. */
export function loopbackAddresses(): string[] {
  return hasIpv6(HOSTv6) ? [HOST, HOSTv6] : [HOST];
}

function numeric(host: unknown): string[] {
  if (typeof host !== 'string') {
    throw invalidArgType('options.host', 'of type string or an array of strings', host);
  }
  if (host === LOCALHOST) return loopbackAddresses();
  if (ipVersion(host) !== 0) return [canonicalAddress(host)];
  throw invalidArgValue('options.host', "must be a numeric address or 'localhost'", host);
}

/** Whether the machine has this address. One that it lacks it may get: the loopback interface is brought up late. */
function hasIpv6(address: string): boolean {
  if (known.has(address)) return true;
  const found = canBind(address);
  if (found) known.add(address);
  return found;
}

function canBind(address: string): boolean {
  let probe: SocketHandle | undefined;
  try {
    probe = new SocketHandle(constants.AF_INET6, constants.SOCK_DGRAM);
    probe.bind(address);
    return true;
  } catch (error) {
    if (isSystemError(error, EAFNOSUPPORT, EADDRNOTAVAIL)) return false;
    // The address is there, but all of its UDP ports are in use.
    if (isSystemError(error, EADDRINUSE)) return true;
    // EMFILE, for one, tells nothing about IPv6.
    throw error;
  } finally {
    probe?.close();
  }
}
