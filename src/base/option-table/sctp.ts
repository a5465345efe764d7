/** SCTP: sctp(7), RFC 6458. Where a structure has `assoc_id` a read is of the socket's one association, or of those to come. */
import { growingStructure, rowsAt, structure } from './row';
import * as sctp from './structures/sctp';

const row = rowsAt('IPPROTO_SCTP');

export const sctpOptions = {
  SCTP_RTOINFO: row(structure(sctp.rtoInfo), 'rw', 'Linux, FreeBSD'),
  SCTP_ASSOCINFO: row(structure(sctp.assocParams), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_INITMSG: row(structure(sctp.initMessage), 'rw', 'Linux, FreeBSD'),
  SCTP_NODELAY: row('boolean', 'rw', 'Linux, FreeBSD'),
  SCTP_AUTOCLOSE: row('integer', 'rw', 'Linux, FreeBSD'),
  SCTP_SET_PEER_PRIMARY_ADDR: row(structure(sctp.pathAddress), 'w', 'Linux', {
    notOn: ['freebsd'],
  }),
  SCTP_PRIMARY_ADDR: row(structure(sctp.pathAddress), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_ADAPTATION_LAYER: row(structure({ adaptation_ind: 'u32' }), 'rw', 'Linux', {
    notOn: ['freebsd'],
  }),
  SCTP_DISABLE_FRAGMENTS: row('boolean', 'rw', 'Linux, FreeBSD'),
  SCTP_PEER_ADDR_PARAMS: row(structure(sctp.pathParams), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_DEFAULT_SEND_PARAM: row(structure(sctp.sendParams), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_EVENTS: row(growingStructure(sctp.events), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_I_WANT_MAPPED_V4_ADDR: row('boolean', 'rw', 'Linux, FreeBSD'),
  SCTP_MAXSEG: row(structure(sctp.assocValue), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_STATUS: row(structure(sctp.status), 'r', 'Linux', { notOn: ['freebsd'] }),
  SCTP_GET_PEER_ADDR_INFO: row(structure(sctp.peerAddressInfo), 'r', 'Linux', {
    notOn: ['freebsd'],
  }),
  SCTP_DELAYED_ACK_TIME: row(structure(sctp.delayedAck), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_CONTEXT: row(structure(sctp.assocValue), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_FRAGMENT_INTERLEAVE: row('boolean', 'rw', 'Linux, FreeBSD'),
  SCTP_PARTIAL_DELIVERY_POINT: row('integer', 'rw', 'Linux, FreeBSD'),
  SCTP_AUTH_CHUNK: row(structure({ chunk: 'u8' }), 'w', 'Linux', { notOn: ['freebsd'] }),
  SCTP_HMAC_IDENT: row(structure({ num_idents: 'u32', idents: { each: 'u16' } }), 'rw', 'Linux', {
    notOn: ['freebsd'],
  }),
  SCTP_AUTH_KEY: row(
    structure({ assoc_id: 'i32', keynumber: 'u16', keylength: 'u16', key: { each: 'u8' } }),
    'w',
    'Linux',
    { notOn: ['freebsd'] },
  ),
  SCTP_AUTH_ACTIVE_KEY: row(structure(sctp.keyId), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_AUTH_DELETE_KEY: row(structure(sctp.keyId), 'w', 'Linux', { notOn: ['freebsd'] }),
  SCTP_PEER_AUTH_CHUNKS: row(structure(sctp.authChunks), 'r', 'Linux', { notOn: ['freebsd'] }),
  SCTP_LOCAL_AUTH_CHUNKS: row(structure(sctp.authChunks), 'r', 'Linux', { notOn: ['freebsd'] }),
  SCTP_GET_ASSOC_NUMBER: row('integer', 'r', 'Linux, FreeBSD'),
  SCTP_GET_ASSOC_ID_LIST: row(
    structure({ number_of_ids: 'u32', ids: { each: 'i32' } }),
    'r',
    'Linux',
    { notOn: ['freebsd'] },
  ),
  SCTP_AUTO_ASCONF: row('boolean', 'rw', 'Linux, FreeBSD'),
  SCTP_PEER_ADDR_THLDS: row(structure(sctp.pathThresholds), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_RECVRCVINFO: row('boolean', 'rw', 'Linux, FreeBSD'),
  SCTP_RECVNXTINFO: row('boolean', 'rw', 'Linux, FreeBSD'),
  SCTP_DEFAULT_SNDINFO: row(structure(sctp.sendInfo), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_AUTH_DEACTIVATE_KEY: row(structure(sctp.keyId), 'w', 'Linux', { notOn: ['freebsd'] }),
  SCTP_REUSE_PORT: row('boolean', 'rw', 'Linux, FreeBSD'),
  SCTP_PEER_ADDR_THLDS_V2: row(
    structure({ ...sctp.pathThresholds, pathcpthld: 'u16' }),
    'rw',
    'Linux',
    { notOn: ['freebsd'] },
  ),
  SCTP_SOCKOPT_BINDX_ADD: row(structure({ addresses: { each: 'socket-address' } }), 'w', 'Linux', {
    notes: 'one after the other',
    notOn: ['freebsd'],
  }),
  SCTP_SOCKOPT_BINDX_REM: row(structure({ addresses: { each: 'socket-address' } }), 'w', 'Linux', {
    notes: 'one after the other',
    notOn: ['freebsd'],
  }),
  SCTP_SOCKOPT_CONNECTX_OLD: row(
    structure({ addresses: { each: 'socket-address' } }),
    'w',
    'Linux',
    { notes: 'one after the other', notOn: ['freebsd'] },
  ),
  SCTP_GET_PEER_ADDRS: row(structure(sctp.addresses), 'r', 'Linux', { notOn: ['freebsd'] }),
  SCTP_GET_LOCAL_ADDRS: row(structure(sctp.addresses), 'r', 'Linux', { notOn: ['freebsd'] }),
  SCTP_SOCKOPT_CONNECTX: row(structure({ addresses: { each: 'socket-address' } }), 'w', 'Linux', {
    notes: 'one after the other',
    notOn: ['freebsd'],
  }),
  SCTP_GET_ASSOC_STATS: row(structure(sctp.associationStatistics), 'r', 'Linux', {
    notInspected: 'a read resets maxrto',
    notOn: ['freebsd'],
  }),
  SCTP_PR_SUPPORTED: row(structure(sctp.assocValue), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_DEFAULT_PRINFO: row(structure(sctp.defaultPrInfo), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_PR_ASSOC_STATUS: row(structure(sctp.prStatus), 'r', 'Linux', { notOn: ['freebsd'] }),
  SCTP_PR_STREAM_STATUS: row(structure(sctp.prStatus), 'r', 'Linux', { notOn: ['freebsd'] }),
  SCTP_RECONFIG_SUPPORTED: row(structure(sctp.assocValue), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_ENABLE_STREAM_RESET: row(structure(sctp.assocValue), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_RESET_STREAMS: row(
    structure({
      assoc_id: 'i32',
      flags: 'u16',
      number_streams: 'u16',
      stream_list: { each: 'u16' },
    }),
    'w',
    'Linux',
    { notOn: ['freebsd'] },
  ),
  SCTP_RESET_ASSOC: row('integer', 'w', 'Linux', {
    notes: "the association's id",
    notOn: ['freebsd'],
  }),
  SCTP_ADD_STREAMS: row(structure(sctp.addStreams), 'w', 'Linux', { notOn: ['freebsd'] }),
  SCTP_STREAM_SCHEDULER: row(structure(sctp.assocValue), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_STREAM_SCHEDULER_VALUE: row(structure(sctp.streamValue), 'rw', 'Linux', {
    notOn: ['freebsd'],
  }),
  SCTP_INTERLEAVING_SUPPORTED: row(structure(sctp.assocValue), 'rw', 'Linux', {
    notOn: ['freebsd'],
  }),
  SCTP_EVENT: row(structure(sctp.event), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_ASCONF_SUPPORTED: row(structure(sctp.assocValue), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_AUTH_SUPPORTED: row(structure(sctp.assocValue), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_ECN_SUPPORTED: row(structure(sctp.assocValue), 'rw', 'Linux', { notOn: ['freebsd'] }),
  SCTP_EXPOSE_POTENTIALLY_FAILED_STATE: row(structure(sctp.assocValue), 'rw', 'Linux', {
    notOn: ['freebsd'],
  }),
  SCTP_REMOTE_UDP_ENCAPS_PORT: row(structure(sctp.udpEncapsulation), 'rw', 'Linux', {
    notOn: ['freebsd'],
  }),
  SCTP_PLPMTUD_PROBE_INTERVAL: row(structure(sctp.probeInterval), 'rw', 'Linux', {
    notOn: ['freebsd'],
  }),
} as const;
