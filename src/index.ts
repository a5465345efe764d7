/** @module bindport */
export { HOST, HOSTv6 } from './base/addresses';
export { type Constants, constants } from './base/constants';
export {
  type CodedError,
  type ReservationTakenError,
  type SystemError,
  UnsafeOptionError,
} from './base/errors';

export type { OptionName } from './base/option-table';
export type { OptionAccess, OptionKind, OptionLevel } from './base/option-table/row';

export { explainPort } from './inspection/explain/explain-port';
export type {
  BindAttempt,
  BindOption,
  ExplainPortOptions,
  PortCause,
  PortCauseCode,
  PortHolder,
  PortReport,
  SharingOptions,
} from './inspection/explain/report';

export { findSockets } from './inspection/find-sockets';
export { inspectSocket, type ProcessSocket } from './inspection/inspect-socket';
export type { OptionValueMap } from './inspection/option-values';
export type { PortTakenError } from './inspection/port-holders';
export type {
  ControlGroup,
  ProcessInfo,
  SocketHolder,
  SocketInfo,
  SocketProtocol,
  SocketQuery,
  SocketState,
  SocketTimer,
  Unseen,
} from './inspection/socket-info';
export type { SocketReport } from './inspection/socket-report';
export type { Membership, PacketInfo, SourceMembership } from './options/codecs/multicast';
export type { PortRange } from './options/codecs/numbers';
export type { Credentials, PeerCredentials } from './options/codecs/plain';
export type { Linger } from './options/codecs/times';
export { socketOptions } from './options/option-map';
export type { OptionValue, SettableValue, SocketOption } from './options/socket-options';
export {
  type BindConflictsOptions,
  bindConflicts,
  type ConflictAddress,
  type ConflictOption,
  type ConflictResult,
  type ConflictTable,
  type PerConflictOption,
} from './ports/bind-conflicts';
export { bindPort, findUnusedPort } from './ports/bind-port';
export { portRange } from './reservation/candidates';
export type { WhenFreeOptions } from './reservation/exact';
export type { ReserveOptions } from './reservation/plan';
export {
  type BindOptions,
  type ListenOptions,
  PortReservation,
  type ReservationState,
} from './reservation/port-reservation';
export type { ReadyOptions } from './reservation/readiness';
export { reservePort, reservePorts, reservePortWhenFree } from './reservation/reserve-port';
export type { PassedAs, SpawnOnPortOptions } from './reservation/spawn';
export type { Strategy } from './reservation/strategies/table';
export { type AdoptOptions, adopt } from './serving/adopt';
export { type ListenExclusiveOptions, listenExclusive } from './serving/listen-exclusive';
export {
  type IpcPeer,
  type ReceiveSocketOptions,
  receiveSocket,
  type SendSocketOptions,
  sendSocket,
} from './serving/send-socket/send-socket';
export type { ListenTarget } from './socket/listen-target';
export { getOption, getsockopt, setOption, setsockopt } from './socket/options';
export type { SocketAddress } from './socket/socket-address';
export { SocketHandle } from './socket/socket-handle';
export { type BoundSocket, descriptorOf, type SocketTarget } from './socket/target';
