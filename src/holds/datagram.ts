import { constants } from '../constants';
import type { SocketHandle } from '../socket-handle';
import { setBytes, setInt } from '../sockopt';
import { bindAlone, type Hold, type HoldAddress } from './hold';

/** One instruction of classic BPF: BPF_RET with 0 bytes to keep. */
const DROP_EVERYTHING = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0);

/**
 * UDP: a bound socket, on every platform. It is never shared: with SO_REUSEADDR on, others could
 * autobind onto the port and take its datagrams. Whoever serves gets a duplicate of the same socket.
 * That has no listening state to be left behind, and what arrives while nobody serves is dropped.
 */
export class DatagramHold implements Hold {
  readonly at: HoldAddress;
  readonly port: number;
  readonly #guard: SocketHandle;

  constructor(at: HoldAddress, port: number) {
    this.at = at;
    this.#guard = bindAlone(at, port);
    this.port = port === 0 ? this.#guard.address().port : port;
    this.#dropDatagrams(true);
  }

  share(): void {}

  unshare(): void {}

  serve(): SocketHandle {
    const handle = this.#guard.duplicate();
    this.#dropDatagrams(false);
    return handle;
  }

  someoneListens(): boolean {
    return false;
  }

  served(): void {
    this.#dropDatagrams(true);
  }

  close(): void {
    this.#guard.close();
  }

  /** Where there are no filters (only Linux has them), a full receive buffer drops the rest. */
  #dropDatagrams(drop: boolean): void {
    const { SOL_SOCKET, SO_ATTACH_FILTER, SO_DETACH_FILTER } = constants;
    if (SO_ATTACH_FILTER === undefined || SO_DETACH_FILTER === undefined) return;
    const { fd } = this.#guard;
    if (drop) setBytes(fd, SOL_SOCKET, SO_ATTACH_FILTER, DROP_EVERYTHING, 'SO_ATTACH_FILTER');
    else setInt(fd, SOL_SOCKET, SO_DETACH_FILTER, 0, 'SO_DETACH_FILTER');
  }
}
