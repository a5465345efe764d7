import { invalidArgType, outOfRange } from '../../base/errors';
import { boolean as checkBoolean, int32, integer } from '../../base/validate';
import { type BytesCodec, type IntCodec, native, networkOrder, UINT32_MAX } from './codec';

/** Two port numbers, both included; 0 and 0 are the system's own range. */
export interface PortRange {
  low: number;
  high: number;
}

/** The most numbers that an option holds: the groups of SO_PEERGROUPS. */
const MAX_INTEGERS = 0x10000;

function encodeBoolean(value: unknown): number {
  return Number(checkBoolean('value', value));
}

export const boolean: IntCodec<boolean> = {
  int: true,
  decode: (value) => value !== 0,
  encode: encodeBoolean,
};

export const int: IntCodec<number> = {
  int: true,
  decode: (value) => value,
  encode: (value) => int32('value', value),
};

export const unsigned: IntCodec<number> = {
  int: true,
  decode: (value) => value >>> 0,
  encode: (value) => integer('value', value, 0, UINT32_MAX) | 0,
};

/** An interface's index, which the kernel has in network byte order. */
export const networkInterface: IntCodec<number> = {
  int: true,
  decode: (value) => networkOrder(value) >>> 0,
  encode: (value) => networkOrder(integer('value', value, 0, UINT32_MAX)),
};

function isRange(value: unknown): value is { low: unknown; high: unknown } {
  return typeof value === 'object' && value !== null && 'low' in value && 'high' in value;
}

export const portRange: IntCodec<PortRange> = {
  int: true,
  decode: (value) => ({ low: value & 0xffff, high: value >>> 16 }),
  encode(value) {
    if (!isRange(value)) throw invalidArgType('value', 'an object { low, high }', value);
    const low = integer('value.low', value.low, 0, 65535);
    const high = integer('value.high', value.high, 0, 65535);
    return low | (high << 16);
  },
};

const UINT64_MAX = 0xffff_ffff_ffff_ffffn;
const word = Buffer.alloc(8);
const half = Buffer.alloc(2);

export const bigint: BytesCodec<bigint> = {
  int: false,
  length: 8,
  // SO_MAX_PACING_RATE had 32 bits before Linux 4.20.
  decode: (bytes, length) => (length < 8 ? BigInt(native.u32(bytes, 0)) : native.u64(bytes, 0)),
  encode(value) {
    if (typeof value !== 'bigint') throw invalidArgType('value', 'of type bigint', value);
    if (value < 0n || value > UINT64_MAX) {
      throw outOfRange('value', `>= 0n && <= ${UINT64_MAX}n`, value);
    }
    native.setU64(word, 0, value);
    return word;
  },
};

export const unsigned16: BytesCodec<number> = {
  int: false,
  length: 2,
  decode: (bytes) => native.u16(bytes, 0),
  encode(value) {
    native.setU16(half, 0, integer('value', value, 0, 0xffff));
    return half;
  },
};

export const integers: BytesCodec<number[]> = {
  int: false,
  // 256 numbers; where there are more the kernel says so (ERANGE), and is asked again.
  length: 1024,
  decode(bytes, length) {
    const numbers: number[] = [];
    for (let at = 0; at + 4 <= length; at += 4) numbers.push(native.u32(bytes, at));
    return numbers;
  },
  encode(value) {
    if (!Array.isArray(value)) throw invalidArgType('value', 'an array of numbers', value);
    // A long empty array would use up all memory, and end the process.
    const length = integer('value.length', value.length, 0, MAX_INTEGERS);
    const items = Array.from({ length }, (_, i) => integer(`value[${i}]`, value[i], 0, UINT32_MAX));
    const bytes = Buffer.alloc(4 * length);
    items.forEach((item, i) => {
      native.setU32(bytes, 4 * i, item);
    });
    return bytes;
  },
};
