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
export { HOST, HOSTv6 } from './host';
export { type ListenExclusiveOptions, listenExclusive } from './listen-exclusive';
export type { ListenTarget } from './listen-target';
export type { Credentials, Linger } from './options/codecs';
export { type OptionValue, type SocketOption, socketOptions } from './options/named';
export type { OptionAccess, OptionKind, OptionName } from './options/table';
export { type SocketAddress, SocketHandle } from './socket-handle';
export { getsockopt, setsockopt } from './sockopt';
export { getOption, type SocketTarget, setOption } from './target';
