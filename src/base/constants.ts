import { binding } from './binding';
import type { OptionName } from './option-table';

/** Constants that every platform has. */
type Universal =
  | 'AF_UNSPEC'
  | 'AF_UNIX'
  | 'AF_INET'
  | 'AF_INET6'
  | 'SOCK_STREAM'
  | 'SOCK_DGRAM'
  | 'SOCK_RAW'
  | 'SOCK_SEQPACKET'
  | 'SOCK_RDM'
  | 'SOL_SOCKET'
  | 'SOMAXCONN'
  | 'IPPROTO_IP'
  | 'IPPROTO_ICMP'
  | 'IPPROTO_TCP'
  | 'IPPROTO_UDP'
  | 'IPPROTO_IPV6'
  | 'IPPROTO_ICMPV6'
  | 'IPPROTO_RAW'
  | 'SO_ACCEPTCONN'
  | 'SO_BROADCAST'
  | 'SO_DEBUG'
  | 'SO_DONTROUTE'
  | 'SO_ERROR'
  | 'SO_KEEPALIVE'
  | 'SO_LINGER'
  | 'SO_OOBINLINE'
  | 'SO_RCVBUF'
  | 'SO_RCVLOWAT'
  | 'SO_RCVTIMEO'
  | 'SO_REUSEADDR'
  | 'SO_SNDBUF'
  | 'SO_SNDLOWAT'
  | 'SO_SNDTIMEO'
  | 'SO_TYPE';

type Prefix = 'AF' | 'SOCK' | 'IPPROTO' | 'SOL' | 'SO' | 'TCP' | 'UDP' | 'IP' | 'IPV6';

/**
 * The C constants that this platform defines, by their C names: families (`AF_*`), types and flags
 * (`SOCK_*`), protocols and levels (`IPPROTO_*`, `SOL_*`), and option names (`SO_*`, `TCP_*`,
 * `UDP_*`, `IP_*`, `IPV6_*`). One that the platform lacks is `undefined`.
 */
export type Constants = { readonly [Name in Universal]: number } & {
  readonly [Name in Exclude<OptionName, Universal> | 'SOCK_CLOEXEC' | 'SOCK_NONBLOCK']?: number;
} & { readonly [Name in `${Prefix}_${string}`]?: number };

function hasUniversal(names: Readonly<Record<string, number | undefined>>): names is Constants {
  return 'SO_REUSEADDR' in names;
}

function allConstants(): Constants {
  const names = Object.freeze({ ...binding.constants });
  if (!hasUniversal(names)) throw new Error('the addon holds no socket constants');
  return names;
}

export const constants: Constants = allConstants();
