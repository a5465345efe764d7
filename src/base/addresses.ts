import { isIP } from 'node:net';
import { constants } from './constants';
import { invalidArgValue } from './errors';
import { text } from './validate';

/** The loopback addresses, literal so that no name is looked up (CPython: `HOSTv4`, `HOSTv6`). */
export const HOST = '127.0.0.1';
export const HOSTv6 = '::1';

/**
 * 4 or 6 for a numeric address, else 0. Node's isIP refuses zones that interfaces do have, such as
 * those with an underscore.
 */
export function ipVersion(host: string): number {
  // A NUL would end the address early in C.
  if (host.includes('\0')) return 0;
  const zone = host.indexOf('%');
  if (zone === -1) return isIP(host);
  const numeric = isIP(host.slice(0, zone));
  return numeric === 6 && zone < host.length - 1 ? 6 : 0;
}

interface Family {
  /** As `ipVersion` tells it. */
  version: 4 | 6;
  loopback: string;
  wildcard: string;
}

const families = new Map<number, Family>([
  [constants.AF_INET, { version: 4, loopback: HOST, wildcard: '0.0.0.0' }],
  [constants.AF_INET6, { version: 6, loopback: HOSTv6, wildcard: '::' }],
]);

/** Whether sockets of this family have ports. */
export function hasPorts(family: number): boolean {
  return families.has(family);
}

/**
 * What to hand to bind(2) for `host`: a numeric address of the family, with `'localhost'` and `''`
 * (the wildcard) made numeric, the loopback address by default; for a Unix domain socket the path as
 * it is, which has no default. No name is looked up.
 */
export function bindAddress(host: string | undefined, family: number): string {
  const ip = families.get(family);
  if (ip === undefined) return path(text('host', host));
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

/** A NUL would end the path early in C; before an abstract name it is no end. */
function path(host: string): string {
  if (host.indexOf('\0') <= 0) return host;
  throw invalidArgValue('host', 'must be a path without NULs, or an abstract name after one', host);
}
