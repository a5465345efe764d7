import { binding } from '../base/binding';
import { constants } from '../base/constants';
import { EACCES, EADDRINUSE, systemError } from '../base/errors';
import { exclusiveHoldersGiveEacces } from '../base/platform';
import { setInt } from '../options/sockopt';

/** The errors of bind(2) for a port that somebody has. */
export const TAKEN: readonly number[] = exclusiveHoldersGiveEacces
  ? [EADDRINUSE, EACCES]
  : [EADDRINUSE];

/** bind(2) to a numeric address or a path. Throws an error like Node's. */
export function bindDescriptor(fd: number, family: number, address: string, port: number): void {
  const error = binding.bind(fd, family, address, port);
  if (error === 0) return;
  throw systemError(error, 'bind', {
    address,
    port,
    ...(exclusiveHoldersGiveEacces &&
      error === EACCES && {
        explanation:
          'another socket holds the port exclusively, or it lies in an excluded range (netsh int ipv4 show excludedportrange)',
      }),
  });
}

/** The local port of a socket whose family has ports: getsockname(2). */
export function localPort(fd: number, family: number): number {
  const port = binding.localPort(fd, family);
  if (port < 0) throw systemError(port, 'getsockname');
  return port;
}

/**
 * Sets IPV6_V6ONLY: whether a socket on `::` refuses IPv4. The default differs between systems
 * (net.ipv6.bindv6only on Linux; on in Windows).
 */
export function setIpv6Only(fd: number, only: boolean): void {
  const { IPPROTO_IPV6, IPV6_V6ONLY } = constants;
  if (IPV6_V6ONLY !== undefined) {
    setInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, Number(only), 'IPV6_V6ONLY');
  }
}
