import { types } from 'node:util';
import { binding } from '../base/binding';
import { constants } from '../base/constants';
import { EINVAL, invalidArgType, systemError } from '../base/errors';
import { int32, integer } from '../base/validate';

const INT32_MIN = -0x80000000;
const TWO_TO_THE_32 = 0x100000000;

/** More than any option holds, and little enough to be zeroed at each call. */
const MAX_LENGTH = 0x100000;

/** The four calls without argument checks. `subject` is the option's name, for the error message. */
export function getInt(fd: number, level: number, name: number, subject?: string): number {
  const value = binding.getsockopt(fd, level, name);
  if (value < INT32_MIN) throw optionError(value + TWO_TO_THE_32, 'getsockopt', subject);
  return value;
}

export function getBytes(
  fd: number,
  level: number,
  name: number,
  maxLength: number,
  subject?: string,
): Buffer {
  const value = binding.getsockoptBytes(fd, level, name, maxLength);
  if (typeof value === 'number') throw optionError(value, 'getsockopt', subject);
  return value;
}

/** Into the first `length` bytes of `bytes`: how many were written, or libuv's negative error number. */
export function getInto(
  fd: number,
  level: number,
  name: number,
  bytes: Uint8Array,
  length: number,
): number {
  return binding.getsockoptInto(fd, level, name, bytes, length);
}

export function setInt(
  fd: number,
  level: number,
  name: number,
  value: number,
  subject?: string,
): void {
  const error = binding.setsockopt(fd, level, name, value);
  if (error < 0) throw optionError(error, 'setsockopt', subject);
}

export function setBytes(
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  subject?: string,
): void {
  const error = binding.setsockoptBytes(fd, level, name, value);
  if (error < 0) throw optionError(error, 'setsockopt', subject);
}

/**
 * What EINVAL means for the two options that exclude each other on Windows, which the code alone does
 * not tell.
 */
const exclusions: ReadonlyMap<string, string> = new Map(
  constants.SO_EXCLUSIVEADDRUSE === undefined
    ? []
    : [
        [
          'SO_EXCLUSIVEADDRUSE',
          'the socket has SO_REUSEADDR, which excludes it, or is bound already',
        ],
        ['SO_REUSEADDR', 'the socket has SO_EXCLUSIVEADDRUSE, which excludes it'],
      ],
);

/** The error of a call that failed; `subject` is the option's name. */
export function optionError(errno: number, syscall: string, subject?: string): Error {
  if (subject === undefined) return systemError(errno, syscall);
  const explanation =
    syscall === 'setsockopt' && errno === EINVAL ? exclusions.get(subject) : undefined;
  return systemError(errno, syscall, {
    subject,
    ...(explanation !== undefined && { explanation }),
  });
}

/** getsockopt(2) of a checked descriptor: the int, or the bytes that the kernel wrote. */
export function readByNumber(
  fd: number,
  level: number,
  name: number,
  maxLength: number | undefined,
): number | Buffer {
  int32('level', level);
  int32('name', name);
  if (maxLength === undefined) return getInt(fd, level, name);
  return getBytes(fd, level, name, integer('maxLength', maxLength, 1, MAX_LENGTH));
}

/** setsockopt(2) of a checked descriptor. */
export function writeByNumber(
  fd: number,
  level: number,
  name: number,
  value: number | boolean | Uint8Array,
): void {
  int32('level', level);
  int32('name', name);
  if (typeof value === 'boolean') {
    setInt(fd, level, name, Number(value));
  } else if (typeof value === 'number') {
    setInt(fd, level, name, integer('value', value, INT32_MIN, TWO_TO_THE_32 - 1) | 0);
    // Not instanceof: it accepts a Proxy, which has no bytes, and refuses an array of another realm (vm).
  } else if (types.isUint8Array(value)) {
    setBytes(fd, level, name, value);
  } else {
    throw invalidArgType('value', 'of type number or boolean, or an instance of Uint8Array', value);
  }
}
