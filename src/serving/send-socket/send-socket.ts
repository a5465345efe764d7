/** Sockets from process to process over Node's IPC channel. */
import { hasPorts } from '../../base/addresses';
import { binding } from '../../base/binding';
import { constants } from '../../base/constants';
import { invalidArgType, stateError } from '../../base/errors';
import { node } from '../../base/node-modules';
import { hasNodeChannel } from '../../base/platform';
import { abortSignal, object } from '../../base/validate';
import { SocketHandle } from '../../socket/socket-handle';
import { channelClosed, type IpcPeer, SocketChannel } from './channel';

export type { IpcPeer } from './channel';

export interface SendSocketOptions {
  /** Gives up waiting for the receiver. Without effect once the socket is on its way. */
  signal?: AbortSignal;
}

export interface ReceiveSocketOptions {
  /** Who sends: a child with an IPC channel, or `process`, the default, for this process's parent. */
  from?: IpcPeer;
  /** Gives up waiting. */
  signal?: AbortSignal;
}

const channels = new WeakMap<IpcPeer, SocketChannel>();

function channelTo(name: string, peer: IpcPeer): SocketChannel {
  if (!hasNodeChannel) {
    throw stateError('ERR_UNSUPPORTED_RUNTIME', 'Only Node sends sockets to other processes');
  }
  if (peer !== process && !(peer instanceof node.childProcess.ChildProcess)) {
    throw invalidArgType(name, 'a ChildProcess or process', peer);
  }
  if (!peer.connected) throw channelClosed();
  const channel = channels.get(peer) ?? new SocketChannel(peer);
  channels.set(peer, channel);
  return channel;
}

/** Those that are being sent: a socket goes to one receiver. */
const sending = new WeakSet<SocketHandle>();

/**
 * Hands a socket over to another Node process, over the IPC channel to it: bound, listening or
 * connected, TCP or UDP, with its options. Settles once the other process has it (`receiveSocket`
 * there) and this process's descriptor is closed. Sockets arrive in the order in which they were sent.
 *
 * On Unix the socket becomes non-blocking on the way, and SO_REUSEADDR of a UDP socket is on for an
 * instant at both ends, because libuv sets it; afterwards it is what it was.
 *
 * @param peer a child with an IPC channel (`fork`, `spawn` with `'ipc'`, a cluster worker's
 *   `process`), or `process` for this process's parent
 * @param socket a TCP or UDP socket of IPv4 or IPv6
 * @param options signal: gives up waiting for the receiver
 * @throws (rejects) TypeError for wrong arguments; Error `ERR_IPC_CHANNEL_CLOSED` when there is no
 *   channel or it ends before the other process has the socket, `ERR_SOCKET_REFUSED` when it could not
 *   open it, `ERR_SOCKET_BAD_TYPE`, `ERR_SOCKET_HANDLE_CLOSED`, `ERR_SOCKET_HANDLE_ADOPTED`, or
 *   `ERR_SOCKET_HANDLE_SENDING` when it is being sent already, `ERR_UNSUPPORTED_RUNTIME` in Deno and
 *   Bun; SystemError with `syscall` `'dup'` (EMFILE) or on Windows `'WSADuplicateSocket'`; the
 *   signal's reason. After each of these the socket is still this process's.
 */
export async function sendSocket(
  peer: IpcPeer,
  socket: SocketHandle,
  options: SendSocketOptions = {},
): Promise<void> {
  const channel = channelTo('peer', peer);
  if (!(socket instanceof SocketHandle)) throw invalidArgType('socket', 'a SocketHandle', socket);
  const { signal } = object('options', options);
  abortSignal('options.signal', signal);
  const { SOCK_STREAM, SOCK_DGRAM } = constants;
  if (!hasPorts(socket.family) || ![SOCK_STREAM, SOCK_DGRAM].includes(socket.type)) {
    throw stateError('ERR_SOCKET_BAD_TYPE', 'Only TCP and UDP sockets can be sent');
  }
  if (sending.has(socket)) {
    throw stateError('ERR_SOCKET_HANDLE_SENDING', 'The SocketHandle is being sent already');
  }
  // Throws when it is gone.
  socket.getOption('SO_TYPE');
  sending.add(socket);
  try {
    await channel.send(socket, signal);
    if (!socket.closed) binding.close(socket.detach());
  } finally {
    sending.delete(socket);
  }
}

/**
 * Waits for a socket that another process hands over with `sendSocket`. The process stays alive
 * meanwhile. Nothing is received that no call waits for, and the application's own messages are left
 * alone.
 *
 * @param options from: who sends, the parent by default; signal: gives up waiting
 * @returns the socket, this process's own: not inherited by its children
 * @throws (rejects) TypeError for wrong arguments; Error `ERR_IPC_CHANNEL_CLOSED` when there is no
 *   channel or it ends before, `ERR_NO_DESCRIPTOR` when this process had no free descriptor for the
 *   socket, which then is still the sender's, `ERR_UNSUPPORTED_RUNTIME` in Deno and Bun; SystemError
 *   with `syscall` `'dup'` or on Windows `'WSASocket'`, such as EMFILE; the signal's reason
 */
export async function receiveSocket(options: ReceiveSocketOptions = {}): Promise<SocketHandle> {
  const { from = process, signal } = object('options', options);
  abortSignal('options.signal', signal);
  return channelTo('options.from', from).receive(signal);
}
