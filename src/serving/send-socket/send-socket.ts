/**
 * Sockets from process to process over Node's IPC channel. On Unix the descriptor travels with the
 * message, on Windows as the WSAPROTOCOL_INFOW of WSADuplicateSocketW.
 *
 * A socket is sent only to a receiver that waits for it, so that none is lost on the way: the sender
 * says `offer`, the receiver `want`, whoever comes second is answered; then `socket`, and `taken` or
 * `refused`. The messages are internal ones (`cmd` begins with NODE_, as the cluster module's): the
 * application's 'message' listeners never see them.
 */
import { ChildProcess } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { hasPorts } from '../../base/addresses';
import { binding } from '../../base/binding';
import { constants } from '../../base/constants';
import { type CodedError, invalidArgType, stateError, systemError } from '../../base/errors';
import { closeHandle, descriptorOfHandle, isOpenable } from '../../base/node-handles';
import { hasNodeChannel, socketsAreFiles } from '../../base/platform';
import { abortSignal, object } from '../../base/validate';
import { type ListenTarget, openTarget } from '../../socket/listen-target';
import { SocketHandle } from '../../socket/socket-handle';

/** The other end of an IPC channel: a child with one, or for a child `process`: its parent. */
export type IpcPeer = ChildProcess | NodeJS.Process;

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

type Step =
  | { step: 'offer' }
  | { step: 'want'; wait: number; pid: number }
  | { step: 'socket'; wait: number; reuseAddr: boolean; info?: string }
  | { step: 'taken'; wait: number }
  | { step: 'refused'; wait: number; error?: string };

type Message = Step & { cmd: typeof CMD };

const CMD = 'NODE_BINDPORT_SOCKET';

interface Settle<Value> {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

interface Offer extends Settle<void> {
  socket: SocketHandle;
  signal: AbortSignal | undefined;
  /** Unix: what carries a duplicate of the descriptor while it is on its way. */
  carrier?: ListenTarget;
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'cmd' in value && value.cmd === CMD;
}

function channelClosed(): CodedError {
  return stateError('ERR_IPC_CHANNEL_CLOSED', 'There is no open IPC channel to the other process');
}

/** The libuv handle with which Node sends a descriptor: of a duplicate, so that ours stays ours. */
function carry({ fd, family, type }: SocketHandle): ListenTarget {
  const duplicate = binding.duplicate(fd);
  if (duplicate < 0) throw systemError(duplicate, 'fcntl');
  binding.disown(duplicate);
  let carrier: ListenTarget;
  try {
    carrier = openTarget(duplicate, family, type);
  } catch (error) {
    binding.close(duplicate);
    throw error;
  }
  if (isOpenable(carrier)) return carrier;
  binding.close(duplicate);
  throw stateError('ERR_UNSUPPORTED_RUNTIME', 'This runtime sends no descriptors to processes');
}

function exportTo(pid: number, { fd }: SocketHandle): string {
  const info = binding.exportSocket(fd, pid);
  if (typeof info === 'number') throw systemError(info, 'WSADuplicateSocket');
  return info.toString('base64');
}

/** A descriptor of this process's own for what arrived. */
function arrived(info: string | undefined, handle: unknown): number {
  if (info !== undefined) {
    const fd = binding.importSocket(Buffer.from(info, 'base64'));
    if (fd < 0) throw systemError(fd, 'WSASocket');
    return fd;
  }
  const received = descriptorOfHandle(handle);
  if (received === undefined) {
    throw stateError('ERR_NO_DESCRIPTOR', 'The message arrived without its descriptor');
  }
  const fd = binding.duplicate(received);
  if (fd < 0) throw systemError(fd, 'fcntl');
  return fd;
}

/** WSADuplicateSocketW has made a handle in this process already, which is closed by opening it. */
function discard(info: string | undefined): void {
  if (info !== undefined) binding.close(arrived(info, undefined));
}

function takeOver(
  { info, reuseAddr }: { info?: string; reuseAddr: boolean },
  handle: unknown,
): SocketHandle {
  const socket = SocketHandle.opened(arrived(info, handle));
  // libuv turned it on in a UDP socket when it opened what arrived (Unix).
  if (socket.getOption('SO_REUSEADDR') !== reuseAddr) socket.setOption('SO_REUSEADDR', reuseAddr);
  return socket;
}

/** All that goes to and comes from one peer. */
class Courier {
  readonly #peer: IpcPeer;
  readonly #events: EventEmitter;
  /** Waiting for a receiver, in the order in which they were sent. */
  #offers: Offer[] = [];
  /** On their way, by the receiver's number for its wait. */
  readonly #sent = new Map<number, Offer>();
  /** This side's receivers, in order. */
  readonly #waits = new Map<number, Settle<SocketHandle>>();
  #lastWait = 0;
  /** Whether a receiver gave up: a socket may be on its way to it, even when nobody waits any more. */
  #gaveUp = false;

  constructor(peer: IpcPeer) {
    this.#peer = peer;
    this.#events = peer;
  }

  send(socket: SocketHandle, signal: AbortSignal | undefined): Promise<void> {
    return this.#pending(signal, (settle) => {
      const offer: Offer = { socket, signal, ...settle };
      this.#offers.push(offer);
      this.#post({ step: 'offer' });
      return () => {
        const waiting = this.#offers.includes(offer);
        this.#offers = this.#offers.filter((other) => other !== offer);
        return waiting;
      };
    });
  }

  receive(signal: AbortSignal | undefined): Promise<SocketHandle> {
    return this.#pending(signal, (settle) => {
      this.#lastWait += 1;
      const wait = this.#lastWait;
      this.#waits.set(wait, settle);
      this.#post({ step: 'want', wait, pid: process.pid });
      return () => {
        const waiting = this.#waits.delete(wait);
        this.#gaveUp ||= waiting;
        return waiting;
      };
    });
  }

  /** `start` returns what withdraws it again: true if it was still waiting. */
  async #pending<Value>(
    signal: AbortSignal | undefined,
    start: (settle: Settle<Value>) => () => boolean,
  ): Promise<Value> {
    signal?.throwIfAborted();
    let onAbort: (() => void) | undefined;
    try {
      return await new Promise<Value>((resolve, reject) => {
        const withdraw = start({ resolve, reject });
        onAbort = () => {
          if (withdraw()) reject(signal?.reason);
        };
        signal?.addEventListener('abort', onAbort);
        this.#listen();
      });
    } finally {
      if (onAbort) signal?.removeEventListener('abort', onAbort);
      this.#listen();
    }
  }

  /**
   * Listens while something is pending. A child stays alive meanwhile: Node counts the listeners of
   * 'disconnect' as uses of the channel, those of 'internalMessage' it does not.
   */
  #listen(): void {
    const pending = this.#offers.length + this.#sent.size + this.#waits.size > 0;
    this.#toggle('disconnect', this.#onDisconnect, pending);
    this.#toggle('internalMessage', this.#onMessage, pending || this.#gaveUp);
  }

  #toggle(event: string, listener: (...args: unknown[]) => void, needed: boolean): void {
    const listening = this.#events.listeners(event).includes(listener);
    if (needed && !listening) this.#events.on(event, listener);
    else if (!needed && listening) this.#events.off(event, listener);
  }

  /** A failure to write is the channel's end, which 'disconnect' tells. */
  #post(step: Step, carrier?: ListenTarget): void {
    const { send } = this.#peer;
    if (send === undefined || !this.#peer.connected) return;
    Reflect.apply(send, this.#peer, [{ cmd: CMD, ...step }, carrier, {}, () => {}]);
  }

  readonly #onMessage = (message: unknown, handle: unknown): void => {
    if (!isMessage(message)) return;
    switch (message.step) {
      case 'offer':
        for (const wait of this.#waits.keys()) {
          this.#post({ step: 'want', wait, pid: process.pid });
        }
        break;
      case 'want':
        this.#answer(message.wait, message.pid);
        break;
      case 'socket':
        this.#take(message, handle);
        break;
      case 'taken':
      case 'refused':
        this.#settle(message);
        break;
    }
  };

  readonly #onDisconnect = (): void => {
    const offers = [...this.#offers, ...this.#sent.values()];
    for (const { carrier } of offers) closeHandle(carrier);
    const pending = [...offers, ...this.#waits.values()];
    this.#offers = [];
    this.#sent.clear();
    this.#waits.clear();
    for (const { reject } of pending) reject(channelClosed());
  };

  /** Sends the next socket to a wait that has none yet; it repeats itself with every offer. */
  #answer(wait: number, pid: number): void {
    if (this.#sent.has(wait)) return;
    for (let offer = this.#offers.shift(); offer !== undefined; offer = this.#offers.shift()) {
      try {
        this.#dispatch(offer, wait, pid);
        return;
      } catch (error) {
        offer.reject(error);
      }
    }
  }

  #dispatch(offer: Offer, wait: number, pid: number): void {
    const reuseAddr = offer.socket.getOption('SO_REUSEADDR');
    if (!socketsAreFiles) {
      const info = exportTo(pid, offer.socket);
      this.#post({ step: 'socket', wait, reuseAddr, info });
    } else {
      const carrier = carry(offer.socket);
      try {
        this.#post({ step: 'socket', wait, reuseAddr }, carrier);
      } catch (error) {
        closeHandle(carrier);
        throw error;
      }
      offer.carrier = carrier;
    }
    this.#sent.set(wait, offer);
  }

  #take(message: { wait: number; info?: string; reuseAddr: boolean }, handle: unknown): void {
    const { wait } = message;
    const receiver = this.#waits.get(wait);
    this.#waits.delete(wait);
    try {
      if (receiver === undefined) {
        discard(message.info);
        this.#post({ step: 'refused', wait });
        return;
      }
      const socket = takeOver(message, handle);
      this.#post({ step: 'taken', wait });
      receiver.resolve(socket);
    } catch (error) {
      this.#post({ step: 'refused', wait, error: String(error) });
      receiver?.reject(error);
    } finally {
      closeHandle(handle);
    }
  }

  #settle(answer: { step: 'taken' | 'refused'; wait: number; error?: string }): void {
    const offer = this.#sent.get(answer.wait);
    if (offer === undefined) return;
    this.#sent.delete(answer.wait);
    closeHandle(offer.carrier);
    if (answer.step === 'taken') {
      offer.resolve();
    } else if (answer.error !== undefined) {
      offer.reject(
        stateError('ERR_SOCKET_REFUSED', `The other process can't open it: ${answer.error}`),
      );
    } else if (offer.signal?.aborted) {
      offer.reject(offer.signal.reason);
    } else {
      // Its receiver had given up: for the next one.
      delete offer.carrier;
      this.#offers.unshift(offer);
      this.#post({ step: 'offer' });
    }
  }
}

const couriers = new WeakMap<IpcPeer, Courier>();

function courierOf(name: string, peer: IpcPeer): Courier {
  if (!hasNodeChannel) {
    throw stateError('ERR_UNSUPPORTED_RUNTIME', 'Only Node sends sockets to other processes');
  }
  if (peer !== process && !(peer instanceof ChildProcess)) {
    throw invalidArgType(name, 'a ChildProcess or process', peer);
  }
  if (!peer.connected) throw channelClosed();
  const courier = couriers.get(peer) ?? new Courier(peer);
  couriers.set(peer, courier);
  return courier;
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
 *   Bun; SystemError with `syscall`
 *   `'WSADuplicateSocket'` or `'fcntl'`; the signal's reason. After each of these the socket is still
 *   this process's.
 */
export async function sendSocket(
  peer: IpcPeer,
  socket: SocketHandle,
  options: SendSocketOptions = {},
): Promise<void> {
  const courier = courierOf('peer', peer);
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
    await courier.send(socket, signal);
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
 *   channel or it ends before; SystemError with `syscall` `'WSASocket'` or `'fcntl'`, such as EMFILE;
 *   the signal's reason
 */
export async function receiveSocket(options: ReceiveSocketOptions = {}): Promise<SocketHandle> {
  const { from = process, signal } = object('options', options);
  abortSignal('options.signal', signal);
  return courierOf('options.from', from).receive(signal);
}
