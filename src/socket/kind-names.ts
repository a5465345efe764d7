/** The C names of what sockets are. */
import type { SocketKind } from '../base/binding';
import { constants } from '../base/constants';

const FAMILIES = ['AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_NETLINK', 'AF_PACKET', 'AF_VSOCK'] as const;

const TYPES = ['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_SEQPACKET', 'SOCK_RDM'] as const;

const PROTOCOLS = [
  'IPPROTO_TCP',
  'IPPROTO_UDP',
  'IPPROTO_SCTP',
  'IPPROTO_MPTCP',
  'IPPROTO_UDPLITE',
  'IPPROTO_ICMP',
  'IPPROTO_ICMPV6',
  'IPPROTO_RAW',
] as const;

function nameOf(
  names: readonly (typeof FAMILIES | typeof TYPES | typeof PROTOCOLS)[number][],
  value: number,
): string {
  return names.find((name) => constants[name] === value) ?? String(value);
}

/** The C names of a socket's family, type and protocol; numbers where they have none. */
export function kindNames({ family, type, protocol }: SocketKind): {
  family: string;
  type: string;
  protocol: string;
} {
  const isInternet = family === constants.AF_INET || family === constants.AF_INET6;
  return {
    family: nameOf(FAMILIES, family),
    type: nameOf(TYPES, type),
    // The numbers of the other families mean something else.
    protocol: isInternet ? nameOf(PROTOCOLS, protocol) : String(protocol),
  };
}
