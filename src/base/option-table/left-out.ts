/** The options that have no row, since they can't mean anything to JavaScript, and why. */
import type { OptionLevel } from './row';

export const leftOut: Readonly<Record<string, { level: OptionLevel; why: string }>> = {
  UDP_VENDOR: {
    level: 'IPPROTO_UDP',
    why: "the start of FreeBSD's own range of numbers, no option",
  },
  IPV6_AUTHHDR: { level: 'IPPROTO_IPV6', why: "in Linux' headers only: no kernel takes it" },
  MPTCP_FULL_INFO: {
    level: 'SOL_MPTCP',
    why: 'takes addresses of memory that the kernel writes to',
  },
  TCP_ZEROCOPY_RECEIVE: {
    level: 'IPPROTO_TCP',
    why: 'remaps pages of memory that the program has mapped',
  },
  TCP_AO_GET_KEYS: {
    level: 'IPPROTO_TCP',
    why: 'takes an array of requests and gives secret keys away',
  },
  TCP_RXTLS_ENABLE: { level: 'IPPROTO_TCP', why: 'holds addresses of memory' },
  TCP_TXTLS_ENABLE: { level: 'IPPROTO_TCP', why: 'holds addresses of memory' },
  IPV6_MSFILTER: { level: 'IPPROTO_IPV6', why: 'holds an address of memory' },
  PACKET_RX_RING: {
    level: 'SOL_PACKET',
    why: 'a ring in memory that the program maps: there is no mmap(2) here',
  },
  PACKET_TX_RING: {
    level: 'SOL_PACKET',
    why: 'a ring in memory that the program maps: there is no mmap(2) here',
  },
  SCTP_SOCKOPT_PEELOFF: {
    level: 'IPPROTO_SCTP',
    why: 'a getsockopt that takes an association out of the socket: sctp_peeloff(3), no option',
  },
  SCTP_SOCKOPT_PEELOFF_FLAGS: {
    level: 'IPPROTO_SCTP',
    why: 'a getsockopt that takes an association out of the socket: sctp_peeloff(3), no option',
  },
  SCTP_SOCKOPT_CONNECTX3: {
    level: 'IPPROTO_SCTP',
    why: 'a getsockopt that connects, and holds an address of memory',
  },
  SCTP_SENDMSG_CONNECT: { level: 'IPPROTO_SCTP', why: "the kernel's own, for sctp_sendmsg(3)" },
  SO_NKE: { level: 'SOL_SOCKET', why: 'a network kernel extension, which macOS no longer has' },
};
