/** UDP: udp(7) of Linux, Microsoft's "IPPROTO_UDP socket options". */
import { oneOf, rowsAt } from './row';

const row = rowsAt('IPPROTO_UDP');

export const udpOptions = {
  UDP_CORK: row('boolean', 'rw', 'Linux 2.5.44'),
  UDP_ENCAP: row(
    oneOf(
      'UDP_ENCAP_ESPINUDP_NON_IKE',
      'UDP_ENCAP_ESPINUDP',
      'UDP_ENCAP_L2TPINUDP',
      'UDP_ENCAP_GTP0',
      'UDP_ENCAP_GTP1U',
      'UDP_ENCAP_RXRPC',
      'TCP_ENCAP_ESPINTCP',
      'UDP_ENCAP_OVPNINUDP',
    ),
    'rw',
    'Linux 2.5.67, FreeBSD',
    '0 when none; decides who gets the packets; FreeBSD: set only',
  ),
  UDP_NO_CHECK6_TX: row('boolean', 'rw', 'Linux 3.16'),
  UDP_NO_CHECK6_RX: row('boolean', 'rw', 'Linux 3.16'),
  UDP_SEGMENT: row('integer', 'rw', 'Linux 4.18', 'bytes a segment: GSO'),
  UDP_GRO: row('boolean', 'rw', 'Linux 5.0'),
  UDPLITE_SEND_CSCOV: row('integer', 'rw', 'Linux 2.6.20', 'UDP-Lite; answers on UDP too'),
  UDPLITE_RECV_CSCOV: row('integer', 'rw', 'Linux 2.6.20', 'UDP-Lite; answers on UDP too'),
  UDP_NOCKSUM: row('boolean', 'rw', 'macOS 10.6'),
  UDP_KEEPALIVE_OFFLOAD: row('bytes', 'w', 'macOS', 'a struct udp_keepalive_offload'),
  UDP_NOCHECKSUM: row('boolean', 'rw', 'Windows'),
  UDP_CHECKSUM_COVERAGE: row('boolean', 'rw', 'Windows'),
  UDP_SEND_MSG_SIZE: row('unsigned', 'rw', 'Windows 10', 'bytes a segment'),
  UDP_RECV_MAX_COALESCED_SIZE: row('unsigned', 'rw', 'Windows 10', 'bytes'),
} as const;
