import type { Socket as DatagramSocket } from 'node:dgram';
import type { EventEmitter } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { binding } from '../base/binding';
import { constants } from '../base/constants';
import { invalidArgType, invalidArgValue, stateError, systemError } from '../base/errors';
import {
  addressOfBoundSocket,
  closeHandle,
  descriptorOfBoundSocket,
  isBoundSocket,
  isDatagramBound,
  isDatagramClosed,
  isDatagramIpv6,
} from '../base/node-handles';
import { node } from '../base/node-modules';
import { httpTakesSockets, reuseAddrIsForTimeWait } from '../base/platform';
import { boolean, backlog as checkBacklog, object } from '../base/validate';
import { writeOption } from '../options/socket-options';
import {
  type ListenTarget,
  preserveReuseAddr,
  refuseUntransferable,
} from '../socket/listen-target';
import { DEFAULT_BACKLOG, SocketHandle } from '../socket/socket-handle';
import type { BoundSocket } from '../socket/target';

export interface AdoptOptions {
  /** How many connections may wait to be accepted, 0 to 2^31 - 1; 511 by default (Node's). */
  backlog?: number;
  /**
   * Whether the socket gets SO_REUSEADDR once it listens; false by default. Its connections inherit the option,
   * and in TIME_WAIT they then keep no later server from the port, as they would for a minute without. A
   * listening socket lets nobody in by it. Servers on Unix only; elsewhere restarts need no option.
   */
  restartable?: boolean;
}

/** Servers are known by their methods: Bun's http servers are not instances of `net.Server`. */
function isServer(value: unknown): value is Server {
  return hasMethods(value, 'listen', 'close', 'on', 'off') && 'listening' in value;
}

function isDatagramSocket(value: unknown): value is DatagramSocket {
  return hasMethods(value, 'bind', 'send', 'addMembership', 'on', 'off');
}

function hasMethods(value: unknown, ...names: string[]): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

function isListening(value: EventEmitter): boolean {
  return 'listening' in value && value.listening === true;
}

/** Throws unless `server` can be told to listen. */
export function refuseListening(server: unknown): void {
  if (!isServer(server)) {
    throw invalidArgType('server', 'a net.Server (or http, https, http2, tls)', server);
  }
  if (server.listening) {
    throw stateError('ERR_SERVER_ALREADY_LISTEN', 'The server listens already');
  }
}

/** Runs `start`; settles with the emitter's 'listening' or 'error', or when it is closed before. */
function listening(emitter: EventEmitter, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      emitter.off('listening', onListening).off('error', onError).off('close', onClose);
      if (error) reject(error);
      else resolve();
    };
    const onListening = () => settle();
    const onError = (error: Error) => settle(error);
    const onClose = () => {
      // The 'close' of an earlier listen(), emitted late: the server listens on our socket by now.
      if (isListening(emitter)) return;
      settle(stateError('ERR_SERVER_NOT_RUNNING', 'Closed before it listened'));
    };
    emitter.on('listening', onListening).on('error', onError).on('close', onClose);
    try {
      start();
    } catch (error) {
      settle(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** Calls `start`, which listens or binds, and waits for it. On failure it closes the target, which nobody owns. */
async function startOn(
  emitter: EventEmitter,
  target: ListenTarget,
  start: () => void,
): Promise<void> {
  try {
    await listening(emitter, start);
  } catch (error) {
    closeHandle(target);
    throw error;
  }
}

/** Of a socket that listens already: before, the option would let others bind. */
function makeRestartable(fd: number): void {
  if (reuseAddrIsForTimeWait) writeOption(fd, 'SO_REUSEADDR', true);
}

/**
 * `adopt` of a stream socket, with options that are checked.
 *
 * @param listens whether the socket listens already
 */
export async function adoptStream(
  server: Server,
  handle: SocketHandle,
  { backlog, restartable = false }: AdoptOptions,
  listens = false,
): Promise<AddressInfo> {
  refuseListening(server);
  if (handle.type !== constants.SOCK_STREAM) {
    throw stateError(
      'ERR_SOCKET_BAD_TYPE',
      'A server takes a stream socket: this one is of another type',
    );
  }
  // In Bun http and https servers are no instances of net.Server, all others are.
  if (!httpTakesSockets && !(server instanceof node.net.Server)) {
    throw stateError(
      'ERR_UNSUPPORTED_RUNTIME',
      "Bun's http servers can't listen on a given socket",
    );
  }
  refuseUntransferable(handle.family, handle.type);
  const address = handle.boundAddress();
  // Listens before Node does: a failure (EADDRINUSE) then leaves the descriptor with its owner, where Node
  // would close it.
  if (!listens) handle.listen(backlog);
  const { fd } = handle;
  if (restartable) makeRestartable(fd);
  const target = handle.transferBound();
  await startOn(server, target, () => {
    server.listen(target, backlog);
    // Node has taken 0 for "not given" and used its default of 511.
    if (backlog === 0 && server.listening) binding.listen(fd, backlog);
  });
  return address;
}

/**
 * A `net.BoundSocket` goes to Node's own `listen`, which takes it on every platform. It stays its owner's
 * when it can't listen (EADDRINUSE), where its descriptor is known: Node would close it.
 */
async function adoptBoundSocket(
  server: Server,
  bound: object,
  { backlog = DEFAULT_BACKLOG, restartable = false }: AdoptOptions,
): Promise<AddressInfo> {
  refuseListening(server);
  // Throws ERR_SOCKET_HANDLE_ADOPTED for one that was given away, and ERR_SOCKET_HANDLE_CLOSED.
  addressOfBoundSocket(bound);
  const fd = descriptorOfBoundSocket(bound);
  if (fd !== undefined) {
    const error = binding.listen(fd, backlog);
    if (error < 0) throw systemError(error, 'listen');
    if (restartable) makeRestartable(fd);
  }
  await listening(server, () => {
    server.listen(bound, backlog);
    // Node has taken 0 for "not given" and used its default of 511.
    if (fd !== undefined && backlog === 0 && server.listening) binding.listen(fd, backlog);
  });
  return listeningAddress(server);
}

/** As a SocketHandle tells it: a Unix domain socket has its path as the address. */
function listeningAddress(server: Server): AddressInfo {
  const address = server.address();
  if (address === null) throw stateError('ERR_SERVER_NOT_RUNNING', 'Closed before it listened');
  return typeof address === 'string' ? { address, family: 'Unix', port: 0 } : address;
}

async function adoptDatagram(socket: DatagramSocket, handle: SocketHandle): Promise<AddressInfo> {
  if (isDatagramClosed(socket)) {
    // With Node's code. Its own bind() would throw too late, once the descriptor is given away.
    throw stateError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'The dgram socket is closed');
  }
  if (isDatagramBound(socket)) {
    throw stateError('ERR_SOCKET_ALREADY_BOUND', 'The dgram socket is bound already');
  }
  const family = isDatagramIpv6(socket) ? constants.AF_INET6 : constants.AF_INET;
  if (handle.type !== constants.SOCK_DGRAM || handle.family !== family) {
    throw stateError(
      'ERR_SOCKET_BAD_TYPE',
      `A dgram socket takes a UDP socket of its own family, ${isDatagramIpv6(socket) ? 'IPv6' : 'IPv4'}`,
    );
  }
  const address = handle.boundAddress();
  const { fd } = handle;
  const target = handle.transferBound();
  await startOn(socket, target, () => preserveReuseAddr(fd, () => socket.bind(target)));
  return address;
}

/**
 * Serves a bound socket with a server of Node's own: the server listens on that very socket, which
 * keeps its port, its options and the connections that wait on it. Closing the server closes it.
 *
 * A socket without SO_REUSEADDR, as `bindPort` wants it, leaves connections in TIME_WAIT that keep the next
 * server from the port for a minute on Linux, if this end closes first: `restartable` prevents it.
 *
 * @param server a net, tls, http, https or http2 server that does not listen yet, or a dgram socket
 *   that is not bound yet (of the handle's family)
 * @param socket a bound SocketHandle, a `net.BoundSocket`, or the number of a bound descriptor that nobody owns: TCP or a
 *   Unix domain stream socket for a server, UDP for a dgram socket
 * @param options.backlog how many connections may wait, 0 to 2^31 - 1; 511 by default
 * @param options.restartable whether the socket gets SO_REUSEADDR once it listens (Unix); false by default
 * @returns the address, once 'listening' was emitted
 * @throws (rejects) TypeError or RangeError for wrong arguments; Error `ERR_SOCKET_NOT_BOUND`,
 *   `ERR_SOCKET_BAD_TYPE`, `ERR_SOCKET_HANDLE_CLOSED`, `ERR_SOCKET_HANDLE_ADOPTED`,
 *   `ERR_SERVER_ALREADY_LISTEN`, `ERR_SOCKET_ALREADY_BOUND` or `ERR_SOCKET_DGRAM_NOT_RUNNING`;
 *   SystemError with `syscall: 'listen'` (EADDRINUSE) or `'open'` (EEXIST), for UDP also `'dup'` or
 *   `'socket'` (EMFILE). After each of these the descriptor is its owner's as before. The descriptor
 *   is closed with Error `ERR_SERVER_NOT_RUNNING`, when the server is closed before it listens, and for
 *   a Unix domain socket that another server of this thread has: libuv tells EEXIST too late.
 */
export async function adopt(
  server: Server | DatagramSocket,
  socket: SocketHandle | number | BoundSocket,
  options: AdoptOptions = {},
): Promise<AddressInfo> {
  if (!isServer(server) && !isDatagramSocket(server)) {
    throw invalidArgType(
      'server',
      'a net.Server (or http, https, http2, tls) or a dgram.Socket',
      server,
    );
  }
  const { backlog, restartable = false } = object('options', options);
  if (backlog !== undefined) checkBacklog(backlog);
  if (boolean('options.restartable', restartable) && !isServer(server)) {
    // UDP has no TIME_WAIT, and the option would give the port away.
    throw invalidArgValue('options.restartable', 'must be false for a dgram socket', restartable);
  }
  if (typeof socket !== 'number' && !(socket instanceof SocketHandle)) {
    if (!isBoundSocket(socket)) {
      throw invalidArgType('socket', 'a SocketHandle, a net.BoundSocket or of type number', socket);
    }
    if (isServer(server)) return adoptBoundSocket(server, socket, options);
    throw stateError('ERR_SOCKET_BAD_TYPE', 'A dgram socket takes no net.BoundSocket');
  }
  const handle = typeof socket === 'number' ? SocketHandle.from(socket) : socket;
  try {
    return await (isServer(server)
      ? adoptStream(server, handle, options)
      : adoptDatagram(server, handle));
  } catch (error) {
    // A descriptor given as a number is its caller's again; nobody knows another number that it has now.
    if (typeof socket === 'number' && !handle.closed) {
      if (handle.fd === socket) handle.detach();
      else handle.close();
    }
    throw error;
  }
}
