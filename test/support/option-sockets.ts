import { constants, type OptionLevel, type OptionName, SocketHandle } from '../../src/index';

const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW } = constants;

/** Sockets of each kind that options belong to. */
const kinds = {
  tcp: [AF_INET, SOCK_STREAM, 0],
  udp: [AF_INET, SOCK_DGRAM, 0],
  udplite: [AF_INET, SOCK_DGRAM, constants.IPPROTO_UDPLITE],
  tcp6: [AF_INET6, SOCK_STREAM, 0],
  udp6: [AF_INET6, SOCK_DGRAM, 0],
  unix: [AF_UNIX, SOCK_STREAM, 0],
  raw: [AF_INET, SOCK_RAW, constants.IPPROTO_ICMP],
  raw6: [AF_INET6, SOCK_RAW, constants.IPPROTO_UDP],
  rawIcmp6: [AF_INET6, SOCK_RAW, constants.IPPROTO_ICMPV6],
  rawIp6: [AF_INET6, SOCK_RAW, constants.IPPROTO_RAW],
  netlink: [constants.AF_NETLINK, SOCK_RAW, 0],
  packet: [constants.AF_PACKET, SOCK_RAW, 0],
  mptcp: [AF_INET, SOCK_STREAM, constants.IPPROTO_MPTCP],
  sctp: [AF_INET, SOCK_STREAM, constants.IPPROTO_SCTP],
  vsock: [constants.AF_VSOCK, SOCK_STREAM, 0],
} as const;

export type SocketKindName = keyof typeof kinds;

/** Kinds that only root may open. */
export const rootKinds: ReadonlySet<SocketKindName> = new Set([
  'raw',
  'raw6',
  'rawIcmp6',
  'rawIp6',
  'packet',
]);

export function openKind(kind: SocketKindName): SocketHandle {
  const [family, type, protocol] = kinds[kind];
  if (family === undefined || protocol === undefined) throw new Error(`no ${kind} here`);
  return new SocketHandle(family, type, protocol);
}

/** Whether the kernel has such sockets, and this user may open them. */
export function opensKind(kind: SocketKindName): boolean {
  try {
    openKind(kind).close();
    return true;
  } catch {
    return false;
  }
}

/** Where the options of a level are tried, unless they say otherwise. */
const ofLevel: { readonly [Level in OptionLevel]: SocketKindName } = {
  SOL_SOCKET: 'tcp',
  IPPROTO_TCP: 'tcp',
  IPPROTO_UDP: 'udp',
  IPPROTO_IP: 'udp',
  IPPROTO_IPV6: 'udp6',
  IPPROTO_ICMPV6: 'rawIcmp6',
  IPPROTO_SCTP: 'sctp',
  SOL_LOCAL: 'unix',
  SOL_MPTCP: 'mptcp',
  SOL_TLS: 'tcp',
  SOL_RAW: 'raw',
  AF_VSOCK: 'vsock',
  SOL_NETLINK: 'netlink',
  SOL_PACKET: 'packet',
};

/** Options that belong to other sockets than most of their level. */
const ofName: { readonly [Name in OptionName]?: SocketKindName } = {
  SO_INQ: 'unix',
  SO_PASSCRED: 'unix',
  SO_PASSPIDFD: 'unix',
  SO_PASSRIGHTS: 'unix',
  SO_PASSSEC: 'unix',
  UDPLITE_RECV_CSCOV: 'udplite',
  UDPLITE_SEND_CSCOV: 'udplite',
  IP_HDRINCL: 'raw',
  IP_NODEFRAG: 'raw',
  IP_ROUTER_ALERT: 'raw',
  IPV6_2292PKTOPTIONS: 'tcp6',
  IPV6_CHECKSUM: 'raw6',
  IPV6_HDRINCL: 'raw6',
  IPV6_ROUTER_ALERT: 'rawIp6',
};

export function kindFor(name: OptionName, level: OptionLevel): SocketKindName {
  return ofName[name] ?? ofLevel[level];
}
