export { type AdoptOptions, adopt } from './adopt';
export {
  type BindConflictsOptions,
  bindConflicts,
  type ConflictAddress,
  type ConflictOption,
  type ConflictResult,
  type ConflictTable,
} from './bind-conflicts';
export { bindPort, findUnusedPort } from './bind-port';
export { type Constants, constants } from './constants';
export { type CodedError, type SystemError, UnsafeOptionError } from './errors';
export type { Strategy } from './holds/hold';
export { HOST, HOSTv6 } from './host';
export { type ListenExclusiveOptions, listenExclusive } from './listen-exclusive';
export type { ListenTarget } from './listen-target';
export type { Credentials, Linger } from './options/codecs';
export { type OptionValue, type SocketOption, socketOptions } from './options/named';
export type { OptionAccess, OptionKind, OptionName } from './options/table';
export { portRange } from './port-candidates';
export {
  type ListenOptions,
  PortReservation,
  type ReadyOptions,
  type ReservationState,
} from './reservation';
export { type ReserveOptions, reservePort, reservePorts } from './reserve-port';
export {
  type IpcPeer,
  type ReceiveSocketOptions,
  receiveSocket,
  type SendSocketOptions,
  sendSocket,
} from './send-socket';
export { type SocketAddress, SocketHandle } from './socket-handle';
export { getsockopt, setsockopt } from './sockopt';
export type { PassedAs, SpawnOnPortOptions } from './spawn-on-port';
export { type BoundSocket, getOption, type SocketTarget, setOption } from './target';
