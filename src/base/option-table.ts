/**
 * The options that have names here. One row each: the level's constant, how the value is coded, what
 * can be done with it, and where it exists. Names, levels and codings are those of socket(7) on
 * Linux, setsockopt(2) on macOS and FreeBSD, and Microsoft's "SOL_SOCKET Socket Options".
 */

/**
 * - `boolean`: an int, any value but 0 is true (BSD systems return the option's flag bit)
 * - `integer`, `unsigned`: 32 bits
 * - `bigint`: 64 unsigned bits
 * - `milliseconds`: a timeval, or Windows' DWORD
 * - `linger`: struct linger
 * - `text`: a name
 * - `credentials`: struct ucred
 * - `integers`: an array of unsigned 32-bit numbers
 * - `bytes`: a structure, as the kernel has it
 */
export type OptionKind =
  | 'boolean'
  | 'integer'
  | 'unsigned'
  | 'bigint'
  | 'milliseconds'
  | 'linger'
  | 'text'
  | 'credentials'
  | 'integers'
  | 'bytes';

/** `r` getOption, `w` setOption. */
export type OptionAccess = 'r' | 'w' | 'rw';

interface Row<Kind extends OptionKind> {
  readonly level: 'SOL_SOCKET';
  readonly kind: Kind;
  readonly access: OptionAccess;
  /** The platforms that have it, and from which version on. */
  readonly where: string;
}

/** Its return type keeps the kind's literal: the types of getOption and setOption follow from it. */
function row<Kind extends OptionKind>(kind: Kind, access: OptionAccess, where: string): Row<Kind> {
  return { level: 'SOL_SOCKET', kind, access, where };
}

export const optionTable = {
  // Who may share a port: first among the options.
  SO_REUSEADDR: row('boolean', 'rw', 'everywhere'),
  SO_REUSEPORT: row('boolean', 'rw', 'Linux 3.9, macOS, FreeBSD'),
  SO_EXCLUSIVEADDRUSE: row('boolean', 'rw', 'Windows'),
  SO_REUSEPORT_LB: row('boolean', 'rw', 'FreeBSD 12'),

  // Everywhere
  SO_ACCEPTCONN: row('boolean', 'r', 'everywhere'),
  SO_BROADCAST: row('boolean', 'rw', 'everywhere'),
  SO_DEBUG: row('boolean', 'rw', 'everywhere'),
  SO_DONTROUTE: row('boolean', 'rw', 'everywhere'),
  SO_ERROR: row('integer', 'r', 'everywhere; reading clears it'),
  SO_KEEPALIVE: row('boolean', 'rw', 'everywhere'),
  SO_LINGER: row('linger', 'rw', 'everywhere'),
  SO_OOBINLINE: row('boolean', 'rw', 'everywhere'),
  SO_RCVBUF: row('integer', 'rw', 'everywhere; Linux doubles what is set'),
  SO_RCVLOWAT: row('integer', 'rw', 'everywhere'),
  SO_RCVTIMEO: row('milliseconds', 'rw', 'everywhere; 0 is none'),
  SO_SNDBUF: row('integer', 'rw', 'everywhere; Linux doubles what is set'),
  SO_SNDLOWAT: row('integer', 'rw', 'everywhere; fixed at 1 on Linux'),
  SO_SNDTIMEO: row('milliseconds', 'rw', 'everywhere; 0 is none'),
  SO_TYPE: row('integer', 'r', 'everywhere'),

  // Linux, some of them elsewhere too
  SO_ATTACH_BPF: row('integer', 'w', 'Linux 3.19'),
  SO_ATTACH_FILTER: row('bytes', 'w', 'Linux 2.2; the program, 8 bytes an instruction'),
  SO_ATTACH_REUSEPORT_CBPF: row('bytes', 'w', 'Linux 4.5; the program, 8 bytes an instruction'),
  SO_ATTACH_REUSEPORT_EBPF: row('integer', 'w', 'Linux 4.5'),
  SO_BINDTODEVICE: row('text', 'rw', 'Linux 2.0.30'),
  SO_BINDTOIFINDEX: row('integer', 'rw', 'Linux 5.1'),
  SO_BPF_EXTENSIONS: row('integer', 'r', 'Linux 3.14'),
  SO_BSDCOMPAT: row('boolean', 'rw', 'Linux; without effect'),
  SO_BUF_LOCK: row('integer', 'rw', 'Linux 5.14'),
  SO_BUSY_POLL: row('integer', 'rw', 'Linux 3.11'),
  SO_BUSY_POLL_BUDGET: row('integer', 'w', 'Linux 5.11'),
  SO_CNX_ADVICE: row('integer', 'w', 'Linux 4.6'),
  SO_COOKIE: row('bigint', 'r', 'Linux 4.12'),
  SO_DETACH_BPF: row('integer', 'w', 'Linux 3.19'),
  SO_DETACH_FILTER: row('integer', 'w', 'Linux 2.2'),
  SO_DETACH_REUSEPORT_BPF: row('integer', 'w', 'Linux 5.3'),
  SO_DEVMEM_DONTNEED: row('bytes', 'w', 'Linux 6.12'),
  SO_DOMAIN: row('integer', 'r', 'Linux 2.6.32, FreeBSD 13'),
  SO_GET_FILTER: row('bytes', 'r', 'Linux 3.8; the program, 8 bytes an instruction'),
  SO_INCOMING_CPU: row('integer', 'rw', 'Linux 3.19'),
  SO_INCOMING_NAPI_ID: row('unsigned', 'r', 'Linux 4.12'),
  SO_INQ: row('boolean', 'w', 'Linux 6.17; AF_UNIX streams'),
  SO_LOCK_FILTER: row('boolean', 'rw', 'Linux 3.9; cannot be cleared'),
  SO_MARK: row('unsigned', 'rw', 'Linux 2.6.25'),
  SO_MAX_PACING_RATE: row('bigint', 'rw', 'Linux 3.13, FreeBSD 12; bytes a second'),
  SO_MEMINFO: row('integers', 'r', 'Linux 4.12'),
  SO_NETNS_COOKIE: row('bigint', 'r', 'Linux 5.14'),
  SO_NOFCS: row('boolean', 'rw', 'Linux 3.3'),
  SO_NO_CHECK: row('boolean', 'rw', 'Linux'),
  SO_PASSCRED: row('boolean', 'rw', 'Linux 2.2'),
  SO_PASSPIDFD: row('boolean', 'rw', 'Linux 6.5'),
  SO_PASSRIGHTS: row('boolean', 'rw', 'Linux 6.16'),
  SO_PASSSEC: row('boolean', 'rw', 'Linux 2.6.18'),
  SO_PEEK_OFF: row('integer', 'rw', 'Linux 3.4'),
  SO_PEERCRED: row('credentials', 'r', 'Linux 2.2'),
  SO_PEERGROUPS: row('integers', 'r', 'Linux 4.13'),
  SO_PEERNAME: row('bytes', 'r', 'Linux 2.4; a sockaddr'),
  SO_PEERPIDFD: row('integer', 'r', 'Linux 6.5; a new descriptor, yours to close'),
  SO_PEERSEC: row('text', 'r', 'Linux 2.6.2'),
  SO_PREFER_BUSY_POLL: row('boolean', 'rw', 'Linux 5.11'),
  SO_PRIORITY: row('integer', 'rw', 'Linux 2.2'),
  SO_PROTOCOL: row('integer', 'r', 'Linux 2.6.32, FreeBSD 7.2'),
  SO_RCVBUFFORCE: row('integer', 'w', 'Linux 2.6.14'),
  SO_RCVMARK: row('boolean', 'rw', 'Linux 5.19'),
  SO_RCVPRIORITY: row('boolean', 'rw', 'Linux 6.14'),
  SO_RESERVE_MEM: row('integer', 'rw', 'Linux 5.16'),
  SO_RXQ_OVFL: row('boolean', 'rw', 'Linux 2.6.33'),
  SO_SELECT_ERR_QUEUE: row('boolean', 'rw', 'Linux 3.10'),
  SO_SNDBUFFORCE: row('integer', 'w', 'Linux 2.6.14'),
  SO_TIMESTAMP: row('boolean', 'rw', 'Linux, macOS, FreeBSD'),
  SO_TIMESTAMPING: row('integer', 'rw', 'Linux 2.6.30'),
  SO_TIMESTAMPNS: row('boolean', 'rw', 'Linux 2.6.22'),
  SO_TXREHASH: row('integer', 'rw', 'Linux 5.18'),
  SO_TXTIME: row('integers', 'rw', 'Linux 4.19; clock and flags'),
  SO_WIFI_STATUS: row('boolean', 'rw', 'Linux 3.3'),
  SO_ZEROCOPY: row('boolean', 'rw', 'Linux 4.14'),

  // macOS and FreeBSD
  SO_ACCEPTFILTER: row('bytes', 'rw', 'FreeBSD'),
  SO_BINTIME: row('boolean', 'rw', 'FreeBSD'),
  SO_DONTTRUNC: row('boolean', 'rw', 'macOS'),
  SO_LABEL: row('bytes', 'r', 'macOS, FreeBSD'),
  SO_LINGER_SEC: row('linger', 'rw', 'macOS'),
  SO_LISTENINCQLEN: row('integer', 'r', 'FreeBSD'),
  SO_LISTENQLEN: row('integer', 'r', 'FreeBSD'),
  SO_LISTENQLIMIT: row('integer', 'r', 'FreeBSD'),
  SO_NET_SERVICE_TYPE: row('integer', 'rw', 'macOS 10.12'),
  SO_NOADDRERR: row('boolean', 'rw', 'macOS'),
  SO_NOSIGPIPE: row('boolean', 'rw', 'macOS, FreeBSD'),
  SO_NO_DDP: row('boolean', 'rw', 'FreeBSD'),
  SO_NO_OFFLOAD: row('boolean', 'rw', 'FreeBSD'),
  SO_NREAD: row('integer', 'r', 'macOS; bytes that can be read'),
  SO_NUMRCVPKT: row('integer', 'r', 'macOS'),
  SO_NWRITE: row('integer', 'r', 'macOS; bytes not yet sent'),
  SO_PEERLABEL: row('bytes', 'r', 'macOS, FreeBSD'),
  SO_RANDOMPORT: row('boolean', 'rw', 'macOS'),
  SO_RERROR: row('boolean', 'rw', 'FreeBSD 14'),
  SO_REUSESHAREUID: row('boolean', 'rw', 'macOS'),
  SO_SETFIB: row('integer', 'w', 'FreeBSD'),
  SO_SPLICE: row('bytes', 'rw', 'FreeBSD 15'),
  SO_TIMESTAMP_MONOTONIC: row('boolean', 'rw', 'macOS'),
  SO_TS_CLOCK: row('integer', 'rw', 'FreeBSD 12'),
  SO_UPCALLCLOSEWAIT: row('boolean', 'rw', 'macOS'),
  SO_USELOOPBACK: row('boolean', 'rw', 'macOS, FreeBSD, Windows'),
  SO_USER_COOKIE: row('unsigned', 'w', 'FreeBSD'),
  SO_WANTMORE: row('boolean', 'rw', 'macOS'),
  SO_WANTOOBFLAG: row('boolean', 'rw', 'macOS'),

  // Windows
  SO_BSP_STATE: row('bytes', 'r', 'Windows'),
  SO_COMPARTMENT_ID: row('unsigned', 'rw', 'Windows 10'),
  SO_CONDITIONAL_ACCEPT: row('boolean', 'rw', 'Windows'),
  SO_CONNECT_TIME: row('integer', 'r', 'Windows; seconds, -1 when not connected'),
  SO_DONTLINGER: row('boolean', 'rw', 'Windows'),
  SO_GROUP_ID: row('unsigned', 'r', 'Windows'),
  SO_GROUP_PRIORITY: row('integer', 'rw', 'Windows'),
  SO_MAX_MSG_SIZE: row('unsigned', 'r', 'Windows; datagram sockets'),
  SO_OPENTYPE: row('integer', 'rw', 'Windows'),
  SO_PAUSE_ACCEPT: row('boolean', 'rw', 'Windows'),
  SO_PORT_SCALABILITY: row('boolean', 'rw', 'Windows 8.1'),
  SO_PROTOCOL_INFOW: row('bytes', 'r', 'Windows; a WSAPROTOCOL_INFOW'),
  SO_RANDOMIZE_PORT: row('boolean', 'rw', 'Windows 7'),
  SO_REUSE_MULTICASTPORT: row('boolean', 'rw', 'Windows 10'),
  SO_REUSE_UNICASTPORT: row('boolean', 'rw', 'Windows 10'),
  SO_UPDATE_ACCEPT_CONTEXT: row('bytes', 'w', 'Windows'),
  SO_UPDATE_CONNECT_CONTEXT: row('bytes', 'w', 'Windows'),
} as const;

/** The options that can be named in `getOption` and `setOption`. */
export type OptionName = keyof typeof optionTable;
