import type { ListenTarget } from '../../socket/listen-target';
import type { SocketHandle } from '../../socket/socket-handle';

/** A socket in the form in which an IPC message takes it along. */
export interface PackedSocket {
  /** Windows: the WSAPROTOCOL_INFOW for the receiver, in base64. Part of the message. */
  info?: string;
  /** Unix: the handle whose descriptor goes with the message. The sender closes it afterwards. */
  carrier?: ListenTarget;
}

/** How sockets go from process to process on one kind of platform. */
export interface Wire {
  /**
   * @param pid the receiver's process
   * @throws SystemError, or `ERR_UNSUPPORTED_RUNTIME` where handles can't be sent
   */
  pack(socket: SocketHandle, pid: number): PackedSocket;

  /**
   * Opens what arrived.
   *
   * @param info from the message
   * @param handle what Node made of the descriptor that came with the message; still to be closed
   * @returns a descriptor of this process, the caller's to close
   * @throws SystemError, or `ERR_NO_DESCRIPTOR` when there was none with the message
   */
  unpack(info: string | undefined, handle: unknown): number;

  /** Frees what arrived and nobody waits for any more, but for `handle`. */
  discard(info: string | undefined): void;
}
