/** What the fields of C structures are made of. */
import { types } from 'node:util';
import { invalidArgType, invalidArgValue, outOfRange } from '../../base/errors';
import type { Field } from '../../base/option-table/fields';
import { storageAlignment } from '../../base/platform';
import { boolean, integer, text } from '../../base/validate';
import { encodeSocketAddress, IPV6_SIZE, STORAGE_SIZE, socketAddressAt } from './addresses';
import { native, UINT32_MAX } from './codec';
import { cText, guid } from './plain';

/** A field that is neither of bits nor the structure's rest. */
export type WholeField = Exclude<Field, `bits${number}` | { readonly each: unknown }>;

/** What one field is made of. */
export interface Layout {
  readonly size: number;
  readonly align: number;
  /** `end`: where the value ends, which those that fill the rest want to know. */
  decode(bytes: Buffer, at: number, end: number): unknown;
  encode(bytes: Buffer, at: number, value: unknown, name: string): void;
}

function number(
  size: number,
  min: number,
  max: number,
  decode: (bytes: Buffer, at: number) => number,
  set: (bytes: Buffer, at: number, value: number) => unknown,
): Layout {
  return {
    size,
    align: size,
    decode,
    encode: (bytes, at, value, name) => {
      set(bytes, at, integer(name, value, min, max));
    },
  };
}

function wide(min: bigint, max: bigint, signed: boolean): Layout {
  return {
    size: 8,
    align: 8,
    decode: signed ? native.i64 : native.u64,
    encode(bytes, at, value, name) {
      if (typeof value !== 'bigint') throw invalidArgType(name, 'of type bigint', value);
      if (value < min || value > max) throw outOfRange(name, `>= ${min}n && <= ${max}n`, value);
      if (signed) native.setI64(bytes, at, value);
      else native.setU64(bytes, at, value);
    },
  };
}

function socketAddress(size: number, align = 4): Layout {
  return {
    size,
    align,
    decode: (bytes, at) => socketAddressAt(bytes, at, size),
    encode: (bytes, at, value, name) => {
      bytes.set(encodeSocketAddress(name, value), at);
    },
  };
}

export function readOnly(_bytes: Buffer, _at: number, value: unknown, name: string): never {
  throw invalidArgValue(name, 'can only be read', value);
}

const u32 = number(4, 0, UINT32_MAX, native.u32, native.setU32);

const plain: { readonly [name: string]: Layout } = {
  u8: number(
    1,
    0,
    0xff,
    (bytes, at) => bytes.readUInt8(at),
    (bytes, at, value) => bytes.writeUInt8(value, at),
  ),
  u16: number(2, 0, 0xffff, native.u16, native.setU16),
  u32,
  i32: number(4, -0x80000000, 0x7fffffff, native.i32, native.setI32),
  be32: number(
    4,
    0,
    UINT32_MAX,
    (bytes, at) => bytes.readUInt32BE(at),
    (bytes, at, value) => bytes.writeUInt32BE(value, at),
  ),
  'packed-u32': { ...u32, align: 1 },
  u64: wide(0n, 2n ** 64n - 1n, false),
  i64: wide(-(2n ** 63n), 2n ** 63n - 1n, true),
  bool8: {
    size: 1,
    align: 1,
    decode: (bytes, at) => bytes[at] !== 0,
    encode(bytes, at, value, name) {
      bytes[at] = Number(boolean(name, value));
    },
  },
  address: socketAddress(STORAGE_SIZE),
  'aligned-address': socketAddress(STORAGE_SIZE, storageAlignment),
  'ipv6-address': socketAddress(IPV6_SIZE),
  uuid: { size: 16, align: 4, decode: guid, encode: readOnly },
};

function textField(size: number): Layout {
  return {
    size,
    align: 1,
    decode: (bytes, at) => cText(bytes, at, at + size),
    encode(bytes, at, value, name) {
      const given = Buffer.from(text(name, value));
      if (given.length >= size || given.includes(0)) {
        throw invalidArgValue(name, `must have less than ${size} bytes and no NUL`, value);
      }
      bytes.set(given, at);
    },
  };
}

function wideText(units: number): Layout {
  return {
    size: 2 * units,
    align: 2,
    decode: (bytes, at) => bytes.toString('utf16le', at, at + 2 * units).replace(/\0.*$/s, ''),
    encode: readOnly,
  };
}

function byteField(size: number): Layout {
  return {
    size,
    align: 1,
    decode: (bytes, at) => Buffer.from(bytes.subarray(at, at + size)),
    encode(bytes, at, value, name) {
      if (!types.isUint8Array(value))
        throw invalidArgType(name, 'an instance of Uint8Array', value);
      if (value.length > size)
        throw invalidArgValue(name, `must have at most ${size} bytes`, value);
      bytes.set(value, at);
    },
  };
}

/** A number that is an index of names. */
function named(names: readonly string[], base: Layout): Layout {
  return {
    ...base,
    decode(bytes, at, end) {
      const value = base.decode(bytes, at, end);
      return typeof value === 'number' ? (names[value] ?? value) : value;
    },
    encode(bytes, at, value, name) {
      const index = typeof value === 'string' ? names.indexOf(value) : value;
      if (index === -1) throw invalidArgValue(name, `must be one of ${names.join(', ')}`, value);
      base.encode(bytes, at, index, name);
    },
  };
}

export function bitField(shift: number, width: number): Layout {
  const mask = (1 << width) - 1;
  return {
    size: 1,
    align: 1,
    decode: (bytes, at) => ((bytes[at] ?? 0) >> shift) & mask,
    encode(bytes, at, value, name) {
      bytes[at] = (bytes[at] ?? 0) | (integer(name, value, 0, mask) << shift);
    },
  };
}

export function wholeField(field: WholeField): Layout {
  if (typeof field === 'object') {
    return 'u32' in field ? named(field.u32, u32) : named(field, plain.u8 ?? u32);
  }
  const found = plain[field];
  if (found !== undefined) return found;
  const size = Number(field.replace(/\D+/, ''));
  if (field.startsWith('text')) return textField(size);
  return field.startsWith('wide') ? wideText(size) : byteField(size);
}
