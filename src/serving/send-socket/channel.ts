/**
 * The conversation with one peer, over Node's IPC channel to it.
 *
 * A socket is sent only to a receiver that waits for it, so that none is lost on the way: the sender
 * says `offer`, the receiver `want`, whoever comes second is answered; then `socket`, and `taken` or
 * `refused`. The messages are internal ones (`cmd` begins with NODE_, as the cluster module's): the
 * application's 'message' listeners never see them.
 *
 * A process may have several copies of this package, which all see every message. So a wait and an
 * offer have identifiers that no other copy gives, and what bears another copy's is left to it.
 */
import type { ChildProcess } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { type CodedError, stateError } from '../../base/errors';
import { closeHandle } from '../../base/node-handles';
import { node } from '../../base/node-modules';
import { socketsAreFiles } from '../../base/platform';
import type { ListenTarget } from '../../socket/listen-target';
import { SocketHandle } from '../../socket/socket-handle';
import { unixWire } from './unix-wire';
import { windowsWire } from './windows-wire';

/** The other end of an IPC channel: a child with one, or for a child `process`: its parent. */
export type IpcPeer = ChildProcess | NodeJS.Process;

type Step =
  | { step: 'offer' }
  | { step: 'want'; wait: string; pid: number }
  | { step: 'socket'; wait: string; offer: string; reuseAddr: boolean; info?: string }
  | { step: 'taken'; offer: string }
  | { step: 'refused'; offer: string; error?: string };

type StepOf<Name extends Step['step']> = Extract<Step, { step: Name }>;

const CMD = 'NODE_BINDPORT_SOCKET';

type Message = Step & { cmd: typeof CMD };

interface Settle<Value> {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

interface Offer extends Settle<void> {
  readonly id: string;
  socket: SocketHandle;
  signal: AbortSignal | undefined;
  /** Which wait it was sent to, while it is on its way. */
  wait?: string;
  /** What holds the descriptor while it is on its way; to be closed by this side. */
  carrier?: ListenTarget;
}

/** How often a channel with a socket on its way is looked at, in milliseconds. */
const WATCH_INTERVAL = 100;

let mark: string | undefined;

/** Marks the identifiers that this copy of the package gives in this process. */
function ownMark(): string {
  mark ??= node.crypto.randomUUID();
  return mark;
}

let lastId = 0;

function newId(): string {
  lastId += 1;
  return `${ownMark()}:${lastId}`;
}

function isOwnId(id: string): boolean {
  return id.startsWith(ownMark());
}

const wire = socketsAreFiles ? unixWire : windowsWire;

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'cmd' in value && value.cmd === CMD;
}

/**
 * The message whose descriptor was lost: a receiver without a free one has none of it (recvmsg(2),
 * MSG_CTRUNC). Node then delivers its envelope alone, not the message (lib/internal/child_process.js).
 */
function messageWithoutDescriptor(envelope: unknown, handle: unknown): Message | undefined {
  if (typeof envelope !== 'object' || envelope === null || handle) return undefined;
  if (!('cmd' in envelope) || envelope.cmd !== 'NODE_HANDLE' || !('msg' in envelope))
    return undefined;
  return isMessage(envelope.msg) ? envelope.msg : undefined;
}

export function channelClosed(): CodedError {
  return stateError('ERR_IPC_CHANNEL_CLOSED', 'There is no open IPC channel to the other process');
}

/** A SocketHandle for the socket that arrived, with its SO_REUSEADDR as it was at the sender's. */
function openReceived({ info, reuseAddr }: StepOf<'socket'>, handle: unknown): SocketHandle {
  const socket = SocketHandle.opened(wire.unpack(info, handle));
  // libuv turned the option on when it opened a UDP socket (Unix).
  if (socket.getOption('SO_REUSEADDR') !== reuseAddr) socket.setOption('SO_REUSEADDR', reuseAddr);
  return socket;
}

/** What goes to and comes from one peer: this side's offers, and its receivers. */
export class SocketChannel {
  readonly #peer: IpcPeer;
  readonly #events: EventEmitter;
  /** Waiting for a receiver, in the order in which they were sent. */
  #offers: Offer[] = [];
  /** On their way, by their identifiers. */
  readonly #sent = new Map<string, Offer>();
  /** This side's receivers, in order. */
  readonly #waits = new Map<string, Settle<SocketHandle>>();
  #watch: NodeJS.Timeout | undefined;
  /** Whether a receiver gave up: a socket may be on its way to it, even when nobody waits any more. */
  #gaveUp = false;

  constructor(peer: IpcPeer) {
    this.#peer = peer;
    this.#events = peer;
  }

  /** Resolves once the other process has the socket; this process's descriptor is open still. */
  send(socket: SocketHandle, signal: AbortSignal | undefined): Promise<void> {
    return this.#pending(signal, (settle) => {
      const offer: Offer = { id: newId(), socket, signal, ...settle };
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
      const wait = newId();
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
    this.#toggle('disconnect', this.#onEnd, pending);
    this.#toggle('close', this.#onEnd, pending);
    this.#toggle('internalMessage', this.#onMessage, pending || this.#gaveUp);
    this.#watchChannel();
  }

  /**
   * Looks whether the channel has ended while a socket is on its way. Node emits no 'disconnect' when
   * that happens before the other process has acknowledged a descriptor (`_handleQueue` in
   * lib/internal/child_process.js, Node 20 to 26); a child's 'close' waits for its output to end, too,
   * and a parent has none.
   */
  #watchChannel(): void {
    if (this.#sent.size === 0) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    } else {
      this.#watch ??= setInterval(() => {
        if (!this.#peer.connected && !this.#peer.channel) this.#onEnd();
      }, WATCH_INTERVAL);
    }
  }

  #toggle(event: string, listener: (...args: unknown[]) => void, needed: boolean): void {
    const listening = this.#events.listeners(event).includes(listener);
    if (needed && !listening) this.#events.on(event, listener);
    else if (!needed && listening) this.#events.off(event, listener);
  }

  /** A failure to write means that the channel has ended, which is told otherwise. */
  #post(step: Step, carrier?: ListenTarget): void {
    const { send } = this.#peer;
    if (send === undefined || !this.#peer.connected) return;
    Reflect.apply(send, this.#peer, [{ cmd: CMD, ...step }, carrier, {}, () => {}]);
  }

  readonly #onMessage = (received: unknown, handle: unknown): void => {
    const message = isMessage(received) ? received : messageWithoutDescriptor(received, handle);
    switch (message?.step) {
      case 'offer':
        for (const wait of this.#waits.keys()) {
          this.#post({ step: 'want', wait, pid: process.pid });
        }
        break;
      case 'want':
        this.#answer(message);
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

  readonly #onEnd = (): void => {
    const offers = [...this.#offers, ...this.#sent.values()];
    for (const { carrier } of offers) closeHandle(carrier);
    const pending = [...offers, ...this.#waits.values()];
    this.#offers = [];
    this.#sent.clear();
    this.#waits.clear();
    for (const { reject } of pending) reject(channelClosed());
  };

  /** Sends the next socket to a wait that has none yet; a wait is announced anew with every offer. */
  #answer({ wait, pid }: StepOf<'want'>): void {
    if ([...this.#sent.values()].some((offer) => offer.wait === wait)) return;
    for (let offer = this.#offers.shift(); offer !== undefined; offer = this.#offers.shift()) {
      try {
        this.#dispatch(offer, wait, pid);
        return;
      } catch (error) {
        offer.reject(error);
      }
    }
  }

  #dispatch(offer: Offer, wait: string, pid: number): void {
    const reuseAddr = offer.socket.getOption('SO_REUSEADDR');
    const { info, carrier } = wire.pack(offer.socket, pid);
    try {
      this.#post(
        { step: 'socket', wait, offer: offer.id, reuseAddr, ...(info !== undefined && { info }) },
        carrier,
      );
    } catch (error) {
      closeHandle(carrier);
      throw error;
    }
    if (carrier) offer.carrier = carrier;
    offer.wait = wait;
    this.#sent.set(offer.id, offer);
    this.#watchChannel();
  }

  #take(message: StepOf<'socket'>, handle: unknown): void {
    const { wait, offer } = message;
    if (!isOwnId(wait)) return;
    const receiver = this.#waits.get(wait);
    this.#waits.delete(wait);
    try {
      if (receiver === undefined) {
        wire.discard(message.info);
        this.#post({ step: 'refused', offer });
        return;
      }
      const socket = openReceived(message, handle);
      this.#post({ step: 'taken', offer });
      receiver.resolve(socket);
    } catch (error) {
      this.#post({ step: 'refused', offer, error: String(error) });
      receiver?.reject(error);
    } finally {
      closeHandle(handle);
    }
  }

  #settle(answer: StepOf<'taken'> | StepOf<'refused'>): void {
    const offer = this.#sent.get(answer.offer);
    if (offer === undefined) return;
    this.#sent.delete(answer.offer);
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
      delete offer.wait;
      delete offer.carrier;
      this.#offers.unshift(offer);
      this.#post({ step: 'offer' });
    }
  }
}
