import type { NativeAddress } from '../base/binding';
import { constants } from '../base/constants';

/** A socket's address. A Unix domain socket has its path as `address` and no port: 0. */
export interface SocketAddress {
  address: string;
  family: 'IPv4' | 'IPv6' | 'Unix';
  port: number;
}

/** The address as the public API tells it. */
export function toSocketAddress({ address, family, port }: NativeAddress): SocketAddress {
  if (family === constants.AF_INET) return { address, family: 'IPv4', port };
  if (family === constants.AF_INET6) return { address, family: 'IPv6', port };
  return { address, family: 'Unix', port };
}
