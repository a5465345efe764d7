import type { SocketAddress } from '../base/addresses';
import type { NativeAddress } from '../base/binding';
import { constants } from '../base/constants';

export type { SocketAddress };

/** The address as the public API tells it. */
export function toSocketAddress({ address, family, port }: NativeAddress): SocketAddress {
  if (family === constants.AF_INET) return { address, family: 'IPv4', port };
  if (family === constants.AF_INET6) return { address, family: 'IPv6', port };
  return { address, family: 'Unix', port };
}
