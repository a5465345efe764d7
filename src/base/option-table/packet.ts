/** packet(7), include/uapi/linux/if_packet.h. */
import { growingStructure, oneOf, rowsAt, structure } from './row';
import { packetMembership } from './structures/packet';

const row = rowsAt('SOL_PACKET');

export const packetOptions = {
  PACKET_ADD_MEMBERSHIP: row(structure(packetMembership), 'w', 'Linux', 'type: PACKET_MR_*'),
  PACKET_DROP_MEMBERSHIP: row(structure(packetMembership), 'w', 'Linux', 'type: PACKET_MR_*'),
  PACKET_STATISTICS: row(
    growingStructure({ packets: 'u32', drops: 'u32', freeze_q_cnt: 'u32' }),
    'r',
    'Linux',
    { notInspected: 'a read resets the counters' },
  ),
  PACKET_COPY_THRESH: row('integer', 'w', 'Linux'),
  PACKET_AUXDATA: row('boolean', 'rw', 'Linux'),
  PACKET_ORIGDEV: row('boolean', 'rw', 'Linux'),
  PACKET_VERSION: row(oneOf('TPACKET_V1', 'TPACKET_V2', 'TPACKET_V3'), 'rw', 'Linux'),
  PACKET_HDRLEN: row(
    'integer',
    'r',
    'Linux',
    "of TPACKET_V1: a read of another one's needs it put in",
  ),
  PACKET_RESERVE: row('unsigned', 'rw', 'Linux'),
  PACKET_LOSS: row('boolean', 'rw', 'Linux'),
  PACKET_VNET_HDR: row('boolean', 'rw', 'Linux'),
  PACKET_TX_TIMESTAMP: row('integer', 'w', 'Linux'),
  PACKET_TIMESTAMP: row('integer', 'rw', 'Linux', 'flags: SOF_TIMESTAMPING_*'),
  PACKET_FANOUT: row('unsigned', 'rw', 'Linux', 'the group, and PACKET_FANOUT_* from bit 16 on'),
  PACKET_TX_HAS_OFF: row('boolean', 'rw', 'Linux'),
  PACKET_QDISC_BYPASS: row('boolean', 'rw', 'Linux'),
  PACKET_ROLLOVER_STATS: row(
    structure({ all: 'u64', huge: 'u64', failed: 'u64' }),
    'r',
    'Linux',
    'EINVAL without fanout',
  ),
  PACKET_FANOUT_DATA: row('integer', 'w', 'Linux', "the eBPF program's descriptor"),
  PACKET_IGNORE_OUTGOING: row('boolean', 'rw', 'Linux 4.20'),
  PACKET_VNET_HDR_SZ: row('integer', 'rw', 'Linux 6.5'),
} as const;
