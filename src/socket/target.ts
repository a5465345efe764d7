import type { Socket as DatagramSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import { binding } from '../base/binding';
import { invalidArgType, stateError } from '../base/errors';
import {
  descriptorOfBoundSocket,
  descriptorOfHandle,
  duplicateDescriptor,
  handleOf,
} from '../base/node-handles';
import { descriptor } from '../base/validate';
import { SocketHandle } from './socket-handle';

/** Node's `net.BoundSocket` (24.19, 26.4), as far as it is needed here. */
export interface BoundSocket {
  fd(): number;
}

/**
 * Whatever has a socket: a descriptor's number, a SocketHandle, a server (net, tls, http, https,
 * http2), a stream socket (net, tls), a dgram socket or a `net.BoundSocket`.
 */
export type SocketTarget = number | SocketHandle | Server | Socket | DatagramSocket | BoundSocket;

function noDescriptor(target: object): Error {
  return stateError(
    'ERR_NO_DESCRIPTOR',
    `The ${target.constructor?.name ?? 'object'} has no descriptor: it is not bound or connected, or the runtime shows none`,
  );
}

/** Calls `use` with the target's descriptor, which stays the target's. */
export function withDescriptor<Result>(
  target: SocketTarget,
  use: (fd: number, isDuplicate: boolean) => Result,
): Result {
  if (typeof target === 'number') return use(descriptor('target', target), false);
  if (target instanceof SocketHandle) return use(target.fd, false);
  if (typeof target !== 'object' || target === null) {
    throw invalidArgType('target', 'a descriptor, or an object that has a socket', target);
  }
  const handle = handleOf(target);
  const fd = descriptorOfHandle(handle) ?? descriptorOfBoundSocket(target);
  if (fd !== undefined) return use(fd, false);
  const duplicate = duplicateDescriptor(handle);
  if (duplicate === undefined) throw noDescriptor(target);
  try {
    return use(duplicate, true);
  } finally {
    binding.close(duplicate);
  }
}

/**
 * The descriptor of whatever has a socket, borrowed: it stays the target's, which may close it at any
 * time. A number is returned as it is.
 *
 * @param target a descriptor's number, a SocketHandle, a server (net, tls, http, https, http2), a stream
 *   socket (net, tls), a dgram socket or a `net.BoundSocket`
 * @returns the descriptor (on Windows a SOCKET)
 * @throws TypeError or RangeError for a target that is neither an object nor a descriptor's number
 * @throws Error `ERR_NO_DESCRIPTOR` for an object without an open socket, or of which the runtime shows no
 *   descriptor (Deno; a `net.BoundSocket` on Windows); `ERR_SOCKET_HANDLE_CLOSED` or
 *   `ERR_SOCKET_HANDLE_ADOPTED` for a handle that has given it up
 */
export function descriptorOf(target: SocketTarget): number {
  return withDescriptor(target, (fd, isDuplicate) => {
    // Deno's: it is closed again at once, and the number may be another socket's by then.
    if (isDuplicate && typeof target === 'object') throw noDescriptor(target);
    return fd;
  });
}
