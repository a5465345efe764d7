/** netlink(7). */
import { rowsAt } from './row';

const row = rowsAt('SOL_NETLINK');

export const netlinkOptions = {
  NETLINK_ADD_MEMBERSHIP: row('integer', 'w', 'Linux'),
  NETLINK_DROP_MEMBERSHIP: row('integer', 'w', 'Linux'),
  NETLINK_PKTINFO: row('boolean', 'rw', 'Linux'),
  NETLINK_BROADCAST_ERROR: row('boolean', 'rw', 'Linux'),
  NETLINK_NO_ENOBUFS: row('boolean', 'rw', 'Linux'),
  NETLINK_LISTEN_ALL_NSID: row('boolean', 'rw', 'Linux 4.2'),
  NETLINK_LIST_MEMBERSHIPS: row('integers', 'r', 'Linux 4.2', 'a bit for each group'),
  NETLINK_CAP_ACK: row('boolean', 'rw', 'Linux 4.3'),
  NETLINK_EXT_ACK: row('boolean', 'rw', 'Linux 4.12'),
  NETLINK_GET_STRICT_CHK: row('boolean', 'rw', 'Linux 4.20'),
} as const;
