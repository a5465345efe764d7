/** Structures of Multipath TCP: include/uapi/linux/mptcp.h. Names are C's, without `mptcpi_`. */
import { linuxTcpInfo } from './tcp';

/** struct mptcp_info. It grew with 5.12, 5.14, 6.5, 6.8, 6.10 and 6.18. */
export const info = {
  subflows: 'u8',
  add_addr_signal: 'u8',
  add_addr_accepted: 'u8',
  subflows_max: 'u8',
  add_addr_signal_max: 'u8',
  add_addr_accepted_max: 'u8',
  flags: 'u32',
  token: 'u32',
  write_seq: 'u64',
  snd_una: 'u64',
  rcv_nxt: 'u64',
  local_addr_used: 'u8',
  local_addr_max: 'u8',
  csum_enabled: 'u8',
  retransmits: 'u32',
  bytes_retrans: 'u64',
  bytes_sent: 'u64',
  bytes_received: 'u64',
  bytes_acked: 'u64',
  subflows_total: 'u8',
  endp_laminar_max: 'u8',
  _reserved: 'bytes2',
  last_data_sent: 'u32',
  last_data_recv: 'u32',
  last_ack_recv: 'u32',
} as const;

/** struct mptcp_subflow_data, before the elements: how long it and each of them is, asked and answered. */
const header = {
  _size_subflow_data: 'u32',
  num_subflows: 'u32',
  _size_kernel: 'u32',
  _size_user: 'u32',
} as const;

export const tcpInfos = { ...header, infos: { each: linuxTcpInfo } } as const;

export const subflowAddresses = {
  ...header,
  addresses: { each: { local: 'address', remote: 'address' } },
} as const;
