import { foreignIpv4, foreignIpv6 } from '../../support/network';

/** One use of the helpers; docs/cpython-parity.md has the clauses. */
export interface Row {
  clause: string;
  call: 'bind_port' | 'find_unused_port';
  family: 'AF_INET' | 'AF_INET6' | 'AF_UNIX';
  type: 'SOCK_STREAM' | 'SOCK_DGRAM';
  flags?: readonly ('SOCK_NONBLOCK' | 'SOCK_CLOEXEC')[];
  set?: readonly ('SO_REUSEADDR' | 'SO_REUSEPORT')[];
  state?: 'bound' | 'closed';
  host?: string;
}

const tcp = { call: 'bind_port', family: 'AF_INET', type: 'SOCK_STREAM' } as const;
const udp = { ...tcp, type: 'SOCK_DGRAM' } as const;
const tcp6 = { ...tcp, family: 'AF_INET6' } as const;
const find = { ...tcp, call: 'find_unused_port' } as const;
const sharing = [['SO_REUSEADDR'], ['SO_REUSEPORT'], ['SO_REUSEADDR', 'SO_REUSEPORT']] as const;

export const rows: Row[] = [
  { ...tcp, clause: 'binds to a free port of the loopback address' },
  { ...udp, clause: 'binds a UDP socket' },
  { ...tcp6, host: '::1', clause: 'binds an IPv6 socket' },
  ...sharing.flatMap((set): Row[] => [
    { ...tcp, set, clause: `refuses TCP/IPv4 with ${set.join(' and ')}` },
    { ...udp, set, clause: `does not check UDP/IPv4 with ${set.join(' and ')}` },
    { ...tcp6, set, host: '::1', clause: `does not check TCP/IPv6 with ${set.join(' and ')}` },
    {
      ...tcp,
      set,
      flags: ['SOCK_NONBLOCK', 'SOCK_CLOEXEC'],
      clause: `checks a type with flags, ${set.join(' and ')}`,
    },
  ]),
  { ...tcp, flags: ['SOCK_NONBLOCK'], clause: 'binds a socket that does not block' },
  { ...tcp, state: 'bound', clause: 'a socket that is bound already' },
  { ...udp, state: 'bound', clause: 'a UDP socket that is bound already' },
  { ...tcp, state: 'closed', clause: 'a closed socket' },
  { ...tcp, host: foreignIpv4, clause: 'a host that is no local address' },
  { ...tcp6, host: foreignIpv6, clause: 'an IPv6 host that is no local address' },
  { ...tcp, host: '::1', clause: 'a host of the other family' },
  { ...tcp6, host: '127.0.0.1', clause: 'an IPv4 host for an IPv6 socket' },
  ...['127.0.0.1', '127.0.0.9', 'localhost', '', '0.0.0.0'].map(
    (host): Row => ({ ...tcp, host, clause: `host '${host}'` }),
  ),
  ...['::1', 'localhost', '', '::'].map(
    (host): Row => ({ ...tcp6, host, clause: `IPv6 host '${host}'` }),
  ),
  { ...tcp, host: '127.1', clause: 'a short form of an address' },
  { ...tcp, family: 'AF_UNIX', clause: 'a Unix domain socket' },
  { ...find, clause: 'finds a TCP port' },
  { ...find, type: 'SOCK_DGRAM', clause: 'finds a UDP port' },
  { ...find, family: 'AF_INET6', clause: 'finds an IPv6 port' },
  { ...find, family: 'AF_INET6', type: 'SOCK_DGRAM', clause: 'finds an IPv6 UDP port' },
  { ...find, family: 'AF_UNIX', clause: 'finds no port of a Unix domain socket' },
];

/** Where we differ on purpose, and how. */
export interface Difference {
  clause: string;
  why: string;
  /** Any of these: some depend on the machine. */
  cpython: object[];
  ours: object;
}

const found = { portIsTheSockets: true };
const bound = { ...found, bound: true };

export const differences: Difference[] = [
  {
    clause: 'a short form of an address',
    why: 'CPython looks names up, for which it needs a resolver; we take numeric addresses alone',
    cpython: [{ ...bound, address: '127.0.0.1' }],
    ours: { error: 'host', bound: false },
  },
  {
    clause: "IPv6 host 'localhost'",
    why: "CPython's 'localhost' is IPv6 where the machine's hosts file says so; ours always",
    cpython: [
      { error: 'host', bound: false },
      { ...bound, address: '::1' },
    ],
    ours: { ...bound, address: '::1' },
  },
  ...['finds an IPv6 port', 'finds an IPv6 UDP port'].map((clause) => ({
    clause,
    why: "our default host follows the family; CPython's is 'localhost' for all",
    cpython: [{ error: 'host' }, found],
    ours: found,
  })),
];
