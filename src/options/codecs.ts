import { types } from 'node:util';
import { binding } from '../base/binding';
import { invalidArgType, invalidArgValue, outOfRange } from '../base/errors';
import type { OptionKind } from '../base/option-table';
import { int32, integer, text } from '../base/validate';

/** What SO_LINGER holds: whether close() waits for unsent data, and for how many seconds. */
export interface Linger {
  enabled: boolean;
  seconds: number;
}

/** What SO_PEERCRED holds: the process at the other end of a Unix domain socket. */
export interface Credentials {
  /** 0 where there is no peer. */
  pid: number;
  uid: number;
  gid: number;
}

/** The JavaScript type of each kind of option. */
export interface OptionValues {
  boolean: boolean;
  integer: number;
  unsigned: number;
  bigint: bigint;
  milliseconds: number;
  linger: Linger;
  text: string;
  credentials: Credentials;
  integers: number[];
  bytes: Uint8Array;
}

/** The kinds that go through the kernel as one int: no buffer is made for them. */
export interface IntCodec<Value> {
  readonly int: true;
  decode(value: number): Value;
  encode(value: unknown): number;
}

export interface BytesCodec<Value> {
  readonly int: false;
  /** As much as the largest value needs, in bytes. */
  readonly maxLength: number;
  decode(bytes: Buffer): Value;
  encode(value: unknown): Uint8Array;
}

export type Codec<Kind extends OptionKind> =
  | IntCodec<OptionValues[Kind]>
  | BytesCodec<OptionValues[Kind]>;

const UINT32_MAX = 0xffffffff;

/** The most that any option holds: the groups of SO_PEERGROUPS. */
const MAX_INTEGERS = 0x10000;

/** The bytes of a typed array, which has the machine's own byte order. */
function bytesOf(
  array: Int16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array,
): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The bytes as whole words of `size` bytes, copied to an aligned place; the rest is 0. */
function wordsOf(bytes: Uint8Array, size: number): ArrayBuffer {
  const words = new ArrayBuffer(Math.ceil(bytes.length / size) * size);
  new Uint8Array(words).set(bytes);
  return words;
}

/** Windows codes times as one DWORD of milliseconds and struct linger as two shorts. */
const hasTimeval = binding.timeoutSize > 4;
const longTimeval = binding.timeoutSize === 16;
const shortLinger = binding.lingerSize === 4;

function decodeMilliseconds(bytes: Buffer): number {
  if (!hasTimeval) return new Uint32Array(wordsOf(bytes, 4))[0] ?? 0;
  const words = longTimeval
    ? new BigInt64Array(wordsOf(bytes, 8))
    : new Int32Array(wordsOf(bytes, 4));
  return Number(words[0] ?? 0) * 1000 + Number(words[1] ?? 0) / 1000;
}

function encodeMilliseconds(value: unknown): Uint8Array {
  if (typeof value !== 'number') throw invalidArgType('value', 'of type number', value);
  if (!(value >= 0 && value <= UINT32_MAX)) {
    throw outOfRange('value', `>= 0 && <= ${UINT32_MAX} milliseconds`, value);
  }
  if (!hasTimeval) return bytesOf(Uint32Array.of(Math.ceil(value)));
  const microseconds = Math.ceil(value * 1000);
  const timeval = [Math.floor(microseconds / 1e6), microseconds % 1e6];
  return longTimeval
    ? bytesOf(BigInt64Array.from(timeval, BigInt))
    : bytesOf(Int32Array.from(timeval));
}

function isLinger(value: unknown): value is { enabled: unknown; seconds: unknown } {
  return typeof value === 'object' && value !== null && 'enabled' in value && 'seconds' in value;
}

function decodeLinger(bytes: Buffer): Linger {
  const words = shortLinger
    ? new Uint16Array(wordsOf(bytes, 2))
    : new Int32Array(wordsOf(bytes, 4));
  return { enabled: words[0] !== 0, seconds: words[1] ?? 0 };
}

function encodeLinger(value: unknown): Uint8Array {
  if (!isLinger(value)) throw invalidArgType('value', 'an object { enabled, seconds }', value);
  // Read once: the property may be a getter that returns something else the next time.
  const { enabled } = value;
  if (typeof enabled !== 'boolean') {
    throw invalidArgType('value.enabled', 'of type boolean', enabled);
  }
  const seconds = integer('value.seconds', value.seconds, 0, shortLinger ? 0x7fff : 0x7fffffff);
  const words = [Number(enabled), seconds];
  return bytesOf(shortLinger ? Int16Array.from(words) : Int32Array.from(words));
}

function encodeIntegers(value: unknown): Uint8Array {
  if (!Array.isArray(value)) throw invalidArgType('value', 'an array of numbers', value);
  // A long empty array would use up all memory, and end the process.
  const length = integer('value.length', value.length, 0, MAX_INTEGERS);
  const item = (_: unknown, i: number) => integer(`value[${i}]`, value[i], 0, UINT32_MAX);
  return bytesOf(Uint32Array.from({ length }, item));
}

function decodeCredentials(bytes: Buffer): Credentials {
  const [pid = 0, uid = 0, gid = 0] = new Uint32Array(wordsOf(bytes, 4));
  return { pid, uid, gid };
}

function encodeNothing(value: unknown): never {
  throw invalidArgValue('value', 'has no form that could be set', value);
}

function decodeBigint(bytes: Buffer): bigint {
  return new BigUint64Array(wordsOf(bytes, 8))[0] ?? 0n;
}

function encodeBigint(value: unknown): Uint8Array {
  if (typeof value !== 'bigint') throw invalidArgType('value', 'of type bigint', value);
  if (value < 0n || value >= 2n ** 64n) throw outOfRange('value', '>= 0n && < 2n ** 64n', value);
  return bytesOf(BigUint64Array.of(value));
}

function encodeText(value: unknown): Uint8Array {
  const name = text('value', value);
  if (name.includes('\0')) throw invalidArgValue('value', 'must hold no NUL', value);
  return Buffer.from(`${name}\0`);
}

function encodeBoolean(value: unknown): number {
  if (typeof value !== 'boolean') throw invalidArgType('value', 'of type boolean', value);
  return Number(value);
}

function encodeBytes(value: unknown): Uint8Array {
  if (types.isUint8Array(value)) return value;
  throw invalidArgType('value', 'an instance of Uint8Array', value);
}

export const codecs: { readonly [Kind in OptionKind]: Codec<Kind> } = {
  boolean: { int: true, decode: (value) => value !== 0, encode: encodeBoolean },
  integer: { int: true, decode: (value) => value, encode: (value) => int32('value', value) },
  unsigned: {
    int: true,
    decode: (value) => value >>> 0,
    encode: (value) => integer('value', value, 0, UINT32_MAX) | 0,
  },
  bigint: { int: false, maxLength: 8, decode: decodeBigint, encode: encodeBigint },
  milliseconds: {
    int: false,
    maxLength: binding.timeoutSize,
    decode: decodeMilliseconds,
    encode: encodeMilliseconds,
  },
  linger: { int: false, maxLength: binding.lingerSize, decode: decodeLinger, encode: encodeLinger },
  // The longest names: an interface's 16 bytes, a security label's page.
  text: {
    int: false,
    maxLength: 4096,
    decode: (bytes) => bytes.toString('utf8').replace(/\0.*$/s, ''),
    encode: encodeText,
  },
  credentials: { int: false, maxLength: 12, decode: decodeCredentials, encode: encodeNothing },
  integers: {
    int: false,
    maxLength: 4 * MAX_INTEGERS,
    decode: (bytes) => Array.from(new Uint32Array(wordsOf(bytes, 4))),
    encode: encodeIntegers,
  },
  // The most: a filter of 4,096 instructions.
  bytes: { int: false, maxLength: 0x8000, decode: (bytes) => bytes, encode: encodeBytes },
};
