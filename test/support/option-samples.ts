/** What each option of Linux is set to in the tests, and what comes of it. */
import type { OptionKind, OptionName, SocketOption } from '../../src/index';

/** A value to set, and what reading it back gives. */
export interface Sample {
  set: unknown;
  /** Where that is another value: the kernel rounds it. */
  reads?: unknown;
  /** What has to be set before. */
  after?: readonly (readonly [OptionName, unknown])[];
  /** What others than root may get: undefined where it may be set. */
  others?: readonly (string | undefined)[];
}

/** A value that the kernel refuses, here or everywhere. */
export interface Refusal {
  set: unknown;
  /** The error's code: several where it depends on how the kernel was built. */
  refused: readonly string[];
  why: string;
}

/** BPF_RET|BPF_K 0xffff: accept the packet. */
export const acceptAll = new Uint8Array(Uint16Array.of(6, 0, 0xffff, 0).buffer);

const group = { address: '224.0.0.251', interface: '127.0.0.1' };
const source = { address: '232.0.0.1', source: '198.51.100.7', interface: '127.0.0.1' };
const group6 = { address: 'ff02::1:7', interface: 1 };

/** What is right for most options of a kind: none is a default. */
const ofKind: { readonly [Kind in OptionKind]?: unknown } = {
  integer: 1,
  unsigned: 7,
  bigint: 123_456n,
  unsigned16: 1000,
  seconds: 33,
  'whole-milliseconds': 5000,
  microseconds: 300_000,
  milliseconds: 2000,
  milliseconds64: 2000,
  interface: 1,
  'port-range': { low: 40_000, high: 40_100 },
  linger: { enabled: true, seconds: 3 },
  integers: [1, 0],
  ipv4: '127.0.0.1',
};

const eperm = ['EPERM'];
const noAo = 'CONFIG_TCP_AO, and an address in the structure';
const noXfrm = 'CONFIG_XFRM, and a policy';
const inRepair = 'the socket is not in repair';
const noTls = 'TCP_ULP is not tls';
const noTlsCodes = ['ENOPROTOOPT', 'ENOTSUP'];
const noFilter = 'there is none';
/** Pad1 options after the header: next header, length in units of 8 bytes. */
const paddedOptions = Buffer.from([0, 0, 1, 4, 0, 0, 0, 0]);

const ofName: { readonly [Name in OptionName]?: Sample | Refusal } = {
  SO_DEBUG: { set: true, others: ['EACCES'] },
  SO_RCVBUF: { set: 8192, reads: 16_384 },
  SO_SNDBUF: { set: 8192, reads: 16_384 },
  SO_RCVBUFFORCE: { set: 8192, others: eperm },
  SO_SNDBUFFORCE: { set: 8192, others: eperm },
  SO_RCVLOWAT: { set: 7 },
  SO_SNDLOWAT: { set: 7, refused: ['ENOPROTOOPT'], why: 'fixed at 1' },
  SO_ATTACH_BPF: { set: 0, refused: ['EINVAL'], why: 'the descriptor is no eBPF program' },
  // EPERM where net.core.bpf_jit_limit is reached.
  SO_ATTACH_FILTER: { set: acceptAll, others: [undefined, 'EPERM'] },
  SO_ATTACH_REUSEPORT_CBPF: {
    set: acceptAll,
    others: [undefined, 'EPERM'],
    after: [['SO_REUSEPORT', true]],
  },
  SO_ATTACH_REUSEPORT_EBPF: {
    set: 0,
    refused: ['EINVAL'],
    why: 'the descriptor is no eBPF program',
  },
  SO_BINDTODEVICE: { set: 'lo' },
  SO_BSDCOMPAT: { set: true, reads: false },
  SO_BUSY_POLL: { set: 30, others: [undefined, 'EPERM'] },
  SO_BUSY_POLL_BUDGET: { set: 70, others: eperm },
  SO_PREFER_BUSY_POLL: { set: true, others: eperm },
  SO_DETACH_BPF: { set: 0, refused: ['ENOENT'], why: noFilter },
  SO_DETACH_FILTER: { set: 0, after: [['SO_ATTACH_FILTER', acceptAll]] },
  SO_DETACH_REUSEPORT_BPF: { set: 0, refused: ['EINVAL', 'ENOENT'], why: noFilter },
  // A token of no device: nothing is given back.
  SO_DEVMEM_DONTNEED: { set: acceptAll },
  SO_MARK: { set: 0xfffffff0, others: eperm },
  SO_PEEK_OFF: { set: 3 },
  SO_PRIORITY: { set: 3 },
  SO_RCVMARK: { set: true, others: [undefined, 'EPERM'] },
  SO_RESERVE_MEM: { set: 4096, refused: ['ENOTSUP'], why: 'no memory cgroup: CONFIG_MEMCG' },
  SO_TIMESTAMPING_NEW: { set: { flags: 8 }, reads: { flags: 8, bind_phc: 0 } },
  SO_TXREHASH: { set: 'SOCK_TXREHASH_DISABLED' },
  TCP_MAXSEG: { set: 1000 },
  TCP_KEEPCNT: { set: 7 },
  TCP_SYNCNT: { set: 7 },
  TCP_DEFER_ACCEPT: { set: 33, reads: 63 },
  TCP_WINDOW_CLAMP: { set: 5000 },
  TCP_CONGESTION: { set: 'reno' },
  TCP_MD5SIG: {
    set: { address: { address: '127.0.0.1' }, keylen: 3, key: Buffer.from('key') },
  },
  TCP_MD5SIG_EXT: {
    set: {
      address: { address: '127.0.0.0' },
      flags: 1,
      prefixlen: 8,
      keylen: 3,
      key: Buffer.from('key'),
    },
  },
  TCP_THIN_DUPACK: { set: true, reads: false },
  TCP_REPAIR: { set: 'TCP_REPAIR_ON', others: eperm },
  TCP_REPAIR_QUEUE: { set: 'TCP_SEND_QUEUE', refused: ['EPERM'], why: inRepair },
  TCP_QUEUE_SEQ: { set: 7, refused: ['EINVAL', 'EPERM'], why: inRepair },
  TCP_REPAIR_OPTIONS: { set: [2, 1000], refused: ['EINVAL', 'EPERM'], why: inRepair },
  TCP_REPAIR_WINDOW: { set: { snd_wnd: 1 }, refused: ['EPERM'], why: inRepair },
  TCP_TIMESTAMP: { set: 7, refused: ['EPERM'], why: inRepair },
  TCP_SAVE_SYN: { set: 2 },
  TCP_ULP: { set: 'bindport', refused: ['ENOENT', 'EPERM'], why: 'no such protocol' },
  TCP_FASTOPEN_KEY: { set: Buffer.from('0123456789abcdef') },
  TCP_AO_ADD_KEY: { set: acceptAll, refused: ['ENOPROTOOPT', 'EINVAL'], why: noAo },
  TCP_AO_DEL_KEY: { set: acceptAll, refused: ['ENOPROTOOPT', 'EINVAL'], why: noAo },
  TCP_AO_INFO: { set: {}, refused: ['ENOPROTOOPT', 'ENOENT'], why: noAo },
  TCP_AO_REPAIR: { set: {}, refused: ['ENOPROTOOPT', 'EPERM'], why: noAo },
  TCP_RTO_MIN_US: { set: 100_000 },
  TCP_DELACK_MAX_US: { set: 100_000 },
  UDP_ENCAP: { set: 'UDP_ENCAP_ESPINUDP' },
  UDPLITE_SEND_CSCOV: { set: 20 },
  UDPLITE_RECV_CSCOV: { set: 20 },
  IP_TTL: { set: 7 },
  // End of options, padded to a word.
  IP_OPTIONS: { set: Buffer.from([1, 1, 1, 0]) },
  IP_MTU_DISCOVER: { set: 'IP_PMTUDISC_PROBE' },
  IP_IPSEC_POLICY: {
    set: acceptAll,
    refused: ['ENOPROTOOPT', 'ENOTSUP', 'EINVAL', 'EPERM'],
    why: noXfrm,
  },
  IP_XFRM_POLICY: { set: acceptAll, refused: ['ENOPROTOOPT', 'EINVAL', 'EPERM'], why: noXfrm },
  IP_TRANSPARENT: { set: true, others: eperm },
  IP_MULTICAST_TTL: { set: 7 },
  IP_ADD_MEMBERSHIP: { set: group },
  IP_DROP_MEMBERSHIP: { set: group, after: [['IP_ADD_MEMBERSHIP', group]] },
  IP_ADD_SOURCE_MEMBERSHIP: { set: source },
  IP_DROP_SOURCE_MEMBERSHIP: { set: source, after: [['IP_ADD_SOURCE_MEMBERSHIP', source]] },
  IP_BLOCK_SOURCE: {
    set: { ...group, source: '198.51.100.7' },
    after: [['IP_ADD_MEMBERSHIP', group]],
  },
  IP_UNBLOCK_SOURCE: {
    set: { ...group, source: '198.51.100.7' },
    after: [
      ['IP_ADD_MEMBERSHIP', group],
      ['IP_BLOCK_SOURCE', { ...group, source: '198.51.100.7' }],
    ],
  },
  IP_MSFILTER: { set: acceptAll, refused: ['EINVAL'], why: 'no struct ip_msfilter' },
  MCAST_JOIN_GROUP: { set: group6 },
  MCAST_LEAVE_GROUP: { set: group6, after: [['MCAST_JOIN_GROUP', group6]] },
  MCAST_JOIN_SOURCE_GROUP: { set: { ...source, interface: 1 } },
  MCAST_LEAVE_SOURCE_GROUP: {
    set: { ...source, interface: 1 },
    after: [['MCAST_JOIN_SOURCE_GROUP', { ...source, interface: 1 }]],
  },
  MCAST_BLOCK_SOURCE: {
    set: { ...group6, source: '::1' },
    after: [['MCAST_JOIN_GROUP', group6]],
  },
  MCAST_UNBLOCK_SOURCE: {
    set: { ...group6, source: '::1' },
    after: [
      ['MCAST_JOIN_GROUP', group6],
      ['MCAST_BLOCK_SOURCE', { ...group6, source: '::1' }],
    ],
  },
  MCAST_MSFILTER: { set: acceptAll, refused: ['EINVAL'], why: 'no struct group_filter' },
  IPV6_ADDRFORM: { set: 2, refused: ['EINVAL', 'ENOTCONN'], why: 'the socket is not connected' },
  // Of streams a read gives what was received, and not what was set.
  IPV6_2292PKTOPTIONS: { set: Buffer.alloc(0), reads: Buffer.alloc(0) },
  IPV6_CHECKSUM: { set: 2 },
  IPV6_UNICAST_HOPS: { set: 7 },
  IPV6_MULTICAST_IF: { set: 1 },
  IPV6_MULTICAST_HOPS: { set: 7 },
  IPV6_JOIN_GROUP: { set: group6 },
  IPV6_LEAVE_GROUP: { set: group6, after: [['IPV6_JOIN_GROUP', group6]] },
  IPV6_MTU_DISCOVER: { set: 'IPV6_PMTUDISC_PROBE' },
  IPV6_MTU: {
    set: 1400,
    refused: ['ENOTCONN'],
    why: 'it can be set, and not read back unconnected',
  },
  IPV6_JOIN_ANYCAST: {
    set: { address: '::1', interface: 1 },
    refused: ['EINVAL', 'EPERM'],
    why: 'an address of this host',
  },
  IPV6_LEAVE_ANYCAST: { set: { address: '2001:db8::1' }, refused: ['ENOENT'], why: 'not joined' },
  IPV6_FLOWLABEL_MGR: { set: {}, refused: ['EINVAL'], why: 'no action is 0' },
  IPV6_IPSEC_POLICY: {
    set: acceptAll,
    refused: ['ENOPROTOOPT', 'ENOTSUP', 'EINVAL', 'EPERM'],
    why: noXfrm,
  },
  IPV6_XFRM_POLICY: { set: acceptAll, refused: ['ENOPROTOOPT', 'EINVAL', 'EPERM'], why: noXfrm },
  IPV6_PKTINFO: {
    set: { address: '::1', interface: 'lo' },
    refused: ['ENOPROTOOPT'],
    why: 'it can be set, and not read back',
  },
  IPV6_HOPOPTS: { set: paddedOptions, others: eperm },
  IPV6_RTHDRDSTOPTS: { set: paddedOptions, others: eperm },
  IPV6_DSTOPTS: { set: paddedOptions, others: eperm },
  IPV6_RTHDR: {
    set: paddedOptions,
    refused: ['EINVAL', 'EPERM'],
    why: 'type 0 is obsolete: RFC 5095',
  },
  // IPV6_PREFER_SRC_TMP; the kernel adds what was not said of the others.
  IPV6_ADDR_PREFERENCES: { set: 1, reads: 0x401 },
  IPV6_TRANSPARENT: { set: true, others: eperm },
  ICMPV6_FILTER: { set: [1, 0, 0, 0, 0, 0, 0, 7] },
  TLS_TX: { set: acceptAll, refused: noTlsCodes, why: noTls },
  TLS_RX: { set: acceptAll, refused: noTlsCodes, why: noTls },
  TLS_TX_ZEROCOPY_RO: { set: true, refused: noTlsCodes, why: noTls },
  TLS_RX_EXPECT_NO_PAD: {
    set: true,
    refused: noTlsCodes,
    why: noTls,
  },
  TLS_TX_MAX_PAYLOAD_LEN: {
    set: 1000,
    refused: noTlsCodes,
    why: noTls,
  },
  SO_VM_SOCKETS_NONBLOCK_TXRX: { set: true, refused: ['ENOPROTOOPT'], why: 'of vmci alone' },
  SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD: { set: 3000 },
  SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW: { set: 3000 },
  NETLINK_LISTEN_ALL_NSID: { set: true, others: eperm },
  PACKET_ADD_MEMBERSHIP: { set: { ifindex: 1, type: 1 } },
  PACKET_DROP_MEMBERSHIP: {
    set: { ifindex: 1, type: 1 },
    after: [['PACKET_ADD_MEMBERSHIP', { ifindex: 1, type: 1 }]],
  },
  PACKET_VERSION: { set: 'TPACKET_V3' },
  PACKET_TX_TIMESTAMP: { set: 1, refused: ['ENOPROTOOPT'], why: 'in the headers alone' },
  PACKET_FANOUT: { set: 7, refused: ['EINVAL'], why: 'the socket is not bound' },
  PACKET_FANOUT_DATA: { set: 0, refused: ['EINVAL'], why: 'no fanout' },
  PACKET_VNET_HDR_SZ: { set: 12 },
};

/** What is right for most options of a kind; undefined where no value is. Booleans are set to what they are not. */
export function sampleOfKind(name: OptionName, kind: OptionKind, now: unknown): unknown {
  // The buffers' sizes have a least value.
  if (/^SO_(RCV|SND)BUF$/.test(name)) return 8192;
  return kind === 'boolean' ? now !== true : ofKind[kind];
}

export function sampleFor(
  name: OptionName,
  { kind }: SocketOption,
  now: unknown,
): Sample | Refusal {
  const own = ofName[name];
  if (own !== undefined) return own;
  const set = sampleOfKind(name, kind, now);
  if (set === undefined) throw new Error(`${name} has no sample`);
  return { set };
}

/** What a socket that was just opened refuses to tell, and why. */
export const unreadable: { readonly [Name in OptionName]?: Omit<Refusal, 'set'> } = {
  SO_PEERGROUPS: { refused: ['ENODATA'], why: 'no peer' },
  SO_PEERNAME: { refused: ['ENOTCONN'], why: 'no peer' },
  SO_PEERPIDFD: {
    refused: ['ENOPROTOOPT', 'ENODATA', 'ENOTSUP'],
    why: 'no peer, or not of this family',
  },
  SO_PEERSEC: { refused: ['ENOPROTOOPT'], why: 'no security module that labels sockets' },
  TCP_REPAIR_QUEUE: { refused: ['EINVAL'], why: inRepair },
  TCP_QUEUE_SEQ: { refused: ['EINVAL'], why: inRepair },
  TCP_REPAIR_WINDOW: { refused: ['EPERM'], why: inRepair },
  TCP_AO_INFO: { refused: ['ENOPROTOOPT', 'ENOENT'], why: noAo },
  TCP_AO_REPAIR: { refused: ['ENOPROTOOPT', 'EPERM'], why: noAo },
  IP_MTU: { refused: ['ENOTCONN'], why: 'not connected' },
  IP_PKTOPTIONS: { refused: ['ENOPROTOOPT'], why: 'no stream' },
  SO_ORIGINAL_DST: {
    refused: ['ENOENT', 'ENOPROTOOPT', 'ENOTCONN'],
    why: 'nothing was redirected',
  },
  IP_IPSEC_POLICY: { refused: ['ENOPROTOOPT'], why: 'set only' },
  IPV6_ADDRFORM: { refused: ['ENOTCONN'], why: 'not connected' },
  IPV6_MTU: { refused: ['ENOTCONN'], why: 'not connected' },
  IPV6_PATHMTU: { refused: ['ENOTCONN'], why: 'not connected' },
  IPV6_PKTINFO: { refused: ['ENOPROTOOPT'], why: 'set only' },
  IPV6_FLOWLABEL_MGR: { refused: ['EINVAL', 'ENOENT'], why: 'no label' },
  IPV6_IPSEC_POLICY: { refused: ['ENOPROTOOPT'], why: 'set only' },
  IP6T_SO_ORIGINAL_DST: {
    refused: ['ENOENT', 'ENOPROTOOPT', 'ENOTCONN'],
    why: 'nothing was redirected',
  },
  TLS_TX_ZEROCOPY_RO: { refused: noTlsCodes, why: noTls },
  TLS_RX_EXPECT_NO_PAD: { refused: noTlsCodes, why: noTls },
  TLS_TX_MAX_PAYLOAD_LEN: { refused: noTlsCodes, why: noTls },
  SO_VM_SOCKETS_PEER_HOST_VM_ID: { refused: ['ENOPROTOOPT'], why: 'VMCI alone' },
  SO_VM_SOCKETS_TRUSTED: { refused: ['ENOPROTOOPT'], why: 'VMCI alone' },
  SO_VM_SOCKETS_NONBLOCK_TXRX: { refused: ['ENOPROTOOPT'], why: 'the kernel has none' },
  PACKET_ROLLOVER_STATS: { refused: ['EINVAL'], why: 'no fanout' },
};
