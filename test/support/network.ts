import { networkInterfaces } from 'node:os';
import { constants, SocketHandle } from '../../src/index';
import { isWindows, runWhen } from './platform';

const interfaces = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
  (addresses ?? []).map((address) => ({ ...address, name })),
);

function isOurs(address: string): boolean {
  return interfaces.some((one) => one.address === address);
}

export const hasIpv6 = isOurs('::1');

function opens(family: number): boolean {
  try {
    new SocketHandle(family).close();
    return true;
  } catch {
    return false;
  }
}

/** Windows 10 has Unix domain sockets, Wine 8 has none. */
export const hasUnixSockets = opens(constants.AF_UNIX);

/** Options of a test that needs Unix domain sockets. */
export const needsUnixSockets = runWhen(hasUnixSockets, 'Wine has no Unix domain sockets');

/** Options of a test that needs IPv6, which containers often lack. */
export const needsIpv6 = runWhen(hasIpv6, 'this machine has no ::1');

/** An address of RFC 5737 or 3849 (documentation) that is not this machine's. */
export const foreignIpv4 =
  ['192.0.2.1', '198.51.100.1', '203.0.113.1'].find((address) => !isOurs(address)) ?? '192.0.2.1';
export const foreignIpv6 = '2001:db8::1';

/** A link-local address of this machine with its zone: `fe80::1%eth0`. */
export const linkLocal = interfaces
  .filter(({ address }) => address.startsWith('fe80:'))
  .map(({ address, name, scopeid }) =>
    isWindows ? `${address}%${scopeid}` : `${address}%${name}`,
  )[0];

export const needsLinkLocal = runWhen(linkLocal !== undefined, 'no interface has fe80::');
