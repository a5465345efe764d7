/** Structures of SCTP: include/uapi/linux/sctp.h and RFC 6458. Names are C's, without their prefixes. */

/** enum sctp_sstat_state */
const states = [
  'SCTP_EMPTY',
  'SCTP_CLOSED',
  'SCTP_COOKIE_WAIT',
  'SCTP_COOKIE_ECHOED',
  'SCTP_ESTABLISHED',
  'SCTP_SHUTDOWN_PENDING',
  'SCTP_SHUTDOWN_SENT',
  'SCTP_SHUTDOWN_RECEIVED',
  'SCTP_SHUTDOWN_ACK_SENT',
] as const;

/** enum sctp_spinfo_state */
const pathStates = ['SCTP_INACTIVE', 'SCTP_PF', 'SCTP_ACTIVE', 'SCTP_UNCONFIRMED'] as const;

export const assocValue = { assoc_id: 'i32', value: 'u32' } as const;

export const rtoInfo = { assoc_id: 'i32', initial: 'u32', max: 'u32', min: 'u32' } as const;

export const assocParams = {
  assoc_id: 'i32',
  asocmaxrxt: 'u16',
  number_peer_destinations: 'u16',
  peer_rwnd: 'u32',
  local_rwnd: 'u32',
  cookie_life: 'u32',
} as const;

export const initMessage = {
  num_ostreams: 'u16',
  max_instreams: 'u16',
  max_attempts: 'u16',
  max_init_timeo: 'u16',
} as const;

export const pathAddress = { assoc_id: 'i32', address: 'address' } as const;

export const pathParams = {
  assoc_id: 'i32',
  address: 'address',
  hbinterval: 'u32',
  // Packed: the 16 bits have no padding after them (aligned(4)).
  pathmaxrxt: 'u16',
  pathmtu: 'packed-u32',
  sackdelay: 'packed-u32',
  flags: 'packed-u32',
  ipv6_flowlabel: 'packed-u32',
  dscp: 'u8',
} as const;

const pathInfo = {
  address: 'address',
  state: { u32: pathStates },
  cwnd: 'u32',
  srtt: 'u32',
  rto: 'u32',
  mtu: 'u32',
} as const;

export const peerAddressInfo = { assoc_id: 'i32', ...pathInfo } as const;

export const status = {
  assoc_id: 'i32',
  state: { u32: states },
  rwnd: 'u32',
  unackdata: 'u16',
  penddata: 'u16',
  instrms: 'u16',
  outstrms: 'u16',
  fragmentation_point: 'u32',
  _primary_assoc_id: 'i32',
  primary_address: 'address',
  primary_state: { u32: pathStates },
  primary_cwnd: 'u32',
  primary_srtt: 'u32',
  primary_rto: 'u32',
  primary_mtu: 'u32',
} as const;

export const sendParams = {
  stream: 'u16',
  ssn: 'u16',
  flags: 'u16',
  ppid: 'u32',
  context: 'u32',
  timetolive: 'u32',
  tsn: 'u32',
  cumtsn: 'u32',
  assoc_id: 'i32',
} as const;

export const sendInfo = {
  sid: 'u16',
  flags: 'u16',
  ppid: 'u32',
  context: 'u32',
  assoc_id: 'i32',
} as const;

export const delayedAck = { assoc_id: 'i32', delay: 'u32', freq: 'u32' } as const;

export const keyId = { assoc_id: 'i32', keynumber: 'u16' } as const;

export const pathThresholds = {
  assoc_id: 'i32',
  address: 'aligned-address',
  pathmaxrxt: 'u16',
  pathpfthld: 'u16',
} as const;

export const defaultPrInfo = { assoc_id: 'i32', value: 'u32', policy: 'u16' } as const;

export const prStatus = {
  assoc_id: 'i32',
  sid: 'u16',
  policy: 'u16',
  abandoned_unsent: 'u64',
  abandoned_sent: 'u64',
} as const;

export const addStreams = { assoc_id: 'i32', instrms: 'u16', outstrms: 'u16' } as const;

export const streamValue = { assoc_id: 'i32', stream_id: 'u16', stream_value: 'u16' } as const;

export const event = { assoc_id: 'i32', type: 'u16', on: 'u8' } as const;

export const udpEncapsulation = {
  assoc_id: 'i32',
  address: 'aligned-address',
  port: 'u16',
} as const;

export const probeInterval = {
  assoc_id: 'i32',
  address: 'aligned-address',
  interval: 'u32',
} as const;

export const authChunks = {
  assoc_id: 'i32',
  number_of_chunks: 'u32',
  chunks: { each: 'u8' },
} as const;

export const addresses = {
  assoc_id: 'i32',
  addr_num: 'u32',
  addrs: { each: 'socket-address' },
} as const;

export const associationStatistics = {
  assoc_id: 'i32',
  obs_rto_ipaddr: 'aligned-address',
  maxrto: 'u64',
  isacks: 'u64',
  osacks: 'u64',
  opackets: 'u64',
  ipackets: 'u64',
  rtxchunks: 'u64',
  outofseqtsns: 'u64',
  idupchunks: 'u64',
  gapcnt: 'u64',
  ouodchunks: 'u64',
  iuodchunks: 'u64',
  oodchunks: 'u64',
  iodchunks: 'u64',
  octrlchunks: 'u64',
  ictrlchunks: 'u64',
} as const;

/** struct sctp_event_subscribe, which grew. */
export const events = {
  data_io_event: 'bool8',
  association_event: 'bool8',
  address_event: 'bool8',
  send_failure_event: 'bool8',
  peer_error_event: 'bool8',
  shutdown_event: 'bool8',
  partial_delivery_event: 'bool8',
  adaptation_layer_event: 'bool8',
  authentication_event: 'bool8',
  sender_dry_event: 'bool8',
  stream_reset_event: 'bool8',
  assoc_reset_event: 'bool8',
  stream_change_event: 'bool8',
  send_failure_event_event: 'bool8',
} as const;
