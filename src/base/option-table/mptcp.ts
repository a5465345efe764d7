/** Multipath TCP: include/uapi/linux/mptcp.h. */
import { growingStructure, rowsAt } from './row';
import * as mptcp from './structures/mptcp';

const row = rowsAt('SOL_MPTCP');

export const mptcpOptions = {
  MPTCP_INFO: row(growingStructure(mptcp.info), 'r', 'Linux 5.16'),
  MPTCP_TCPINFO: row(growingStructure(mptcp.tcpInfos), 'r', 'Linux 5.16', {
    notes: 'of each subflow',
    notInspected: 'a read needs the length of an element put in',
    room: 4496,
    request: [16, 0, 0, 280],
  }),
  MPTCP_SUBFLOW_ADDRS: row(growingStructure(mptcp.subflowAddresses), 'r', 'Linux 5.16', {
    notes: 'of each subflow',
    notInspected: 'a read needs the length of an element put in',
    room: 4112,
    request: [16, 0, 0, 256],
  }),
} as const;
