/** Options by name and by number, of whatever has a socket. */
import type { OptionName } from '../base/option-table';
import { descriptor } from '../base/validate';
import {
  type OptionValue,
  readOption,
  type SettableValue,
  writeOption,
} from '../options/socket-options';
import { readByNumber, writeByNumber } from '../options/sockopt';
import { type SocketTarget, withDescriptor } from './target';

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

/**
 * Reads a socket option by its number: getsockopt(2).
 *
 * @param target whatever has a socket: see `descriptorOf`
 * @param level the option's level, such as `constants.SOL_SOCKET`: a 32-bit integer
 * @param name the option's number, such as `constants.SO_REUSEADDR`: a 32-bit integer
 * @param maxLength how many bytes to read at the most, 1 to 1,048,576; without it the option is read
 *   as a C `int`
 * @returns the `int`; with `maxLength` a Buffer of exactly the bytes that the kernel wrote
 * @throws TypeError or RangeError for an argument of the wrong type or range
 * @throws Error `ERR_NO_DESCRIPTOR` for an object without an open socket
 * @throws SystemError with `syscall: 'getsockopt'`, such as EBADF, ENOTSOCK or ENOPROTOOPT
 */
export function getsockopt(target: SocketTarget, level: number, name: number): number;
export function getsockopt(
  target: SocketTarget,
  level: number,
  name: number,
  maxLength: number,
): Buffer;
export function getsockopt(
  target: SocketTarget,
  level: number,
  name: number,
  maxLength?: number,
): number | Buffer {
  // Numbers first: they need no function made for the call.
  if (typeof target === 'number') {
    return readByNumber(descriptor('target', target), level, name, maxLength);
  }
  return withDescriptor(target, (fd) => readByNumber(fd, level, name, maxLength));
}

/**
 * Sets a socket option by its number: setsockopt(2).
 *
 * @param target whatever has a socket: see `descriptorOf`
 * @param level the option's level, such as `constants.SOL_SOCKET`: a 32-bit integer
 * @param name the option's number, such as `constants.SO_REUSEADDR`: a 32-bit integer
 * @param value an integer of -2^31 to 2^32 - 1 or a boolean, passed as a C `int`; or bytes, passed as
 *   they are. For SO_ATTACH_FILTER and SO_ATTACH_REUSEPORT_CBPF the bytes are the program itself.
 * @throws TypeError or RangeError for an argument of the wrong type or range
 * @throws Error `ERR_NO_DESCRIPTOR` for an object without an open socket
 * @throws SystemError with `syscall: 'setsockopt'`, such as EBADF, EINVAL, EPERM or ENOPROTOOPT
 */
export function setsockopt(
  target: SocketTarget,
  level: number,
  name: number,
  value: number | boolean | Uint8Array,
): void {
  if (typeof target === 'number') {
    writeByNumber(descriptor('target', target), level, name, value);
  } else {
    withDescriptor(target, (fd) => writeByNumber(fd, level, name, value));
  }
}
