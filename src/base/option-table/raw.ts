/** ICMP of raw sockets: raw(7), RFC 3542. */
import { rowsAt } from './row';

const row = rowsAt('SOL_RAW');
const icmpv6 = rowsAt('IPPROTO_ICMPV6');

export const rawOptions = {
  ICMP_FILTER: row(
    'unsigned',
    'rw',
    'Linux 2.2',
    'raw sockets: a bit for each type that is dropped',
  ),
  ICMPV6_FILTER: icmpv6('integers', 'rw', 'Linux, macOS, FreeBSD', {
    notes: 'raw sockets: 256 bits; of Linux those that are dropped, elsewhere those that pass',
    instead: 'ICMP6_FILTER',
  }),
} as const;
