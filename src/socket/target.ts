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
import type { OptionName } from '../base/option-table';
import { descriptor } from '../base/validate';
import {
  type OptionValue,
  readOption,
  type SettableValue,
  writeOption,
} from '../options/socket-options';
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

/** Calls `use` with the target's descriptor, which stays the target's. */
function withDescriptor<Result>(target: SocketTarget, use: (fd: number) => Result): Result {
  if (typeof target === 'number') return use(descriptor('target', target));
  if (target instanceof SocketHandle) return use(target.fd);
  if (typeof target !== 'object' || target === null) {
    throw invalidArgType('target', 'a descriptor, or an object that has a socket', target);
  }
  const handle = handleOf(target);
  const fd = descriptorOfHandle(handle) ?? descriptorOfBoundSocket(target);
  if (fd !== undefined) return use(fd);
  const duplicate = duplicateDescriptor(handle);
  if (duplicate === undefined) {
    throw stateError(
      'ERR_NO_DESCRIPTOR',
      `The ${target.constructor?.name ?? 'object'} has no descriptor: it is not bound or connected, or the runtime shows none`,
    );
  }
  try {
    return use(duplicate);
  } finally {
    binding.close(duplicate);
  }
}

/**
 * Reads a socket option by its name.
 *
 * @param target whatever has a socket; its ownership does not change
 * @param name a name in `socketOptions`, such as `'SO_REUSEADDR'`
 * @returns a value of the type that belongs to the name: see `OptionKind`
 * @throws TypeError or RangeError for an unknown name, or a target that is neither an object nor a
 *   descriptor's number
 * @throws Error `ERR_NO_DESCRIPTOR` for an object without an open socket
 * @throws SystemError with `syscall: 'getsockopt'`; ENOPROTOOPT where this platform lacks the option
 */
export function getOption<Name extends OptionName>(
  target: SocketTarget,
  name: Name,
): OptionValue<Name> {
  return withDescriptor(target, (fd) => readOption(fd, name));
}

/**
 * Sets a socket option by its name.
 *
 * @param target whatever has a socket; its ownership does not change
 * @param name a name in `socketOptions`, such as `'SO_REUSEADDR'`
 * @param value of the type that belongs to the name; never coerced
 * @throws TypeError or RangeError for an unknown name, a wrong value, or a target that is neither an
 *   object nor a descriptor's number
 * @throws Error `ERR_NO_DESCRIPTOR` for an object without an open socket
 * @throws SystemError with `syscall: 'setsockopt'`; ENOPROTOOPT where this platform lacks the option
 */
export function setOption<Name extends OptionName>(
  target: SocketTarget,
  name: Name,
  value: SettableValue<Name>,
): void {
  withDescriptor(target, (fd) => writeOption(fd, name, value));
}
