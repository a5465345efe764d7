/** C structures as objects, by their fields' layout. */
import { types } from 'node:util';
import { invalidArgType, invalidArgValue, outOfRange } from '../../base/errors';
import type { Field, Fields } from '../../base/option-table/fields';

import { storageAlignment } from '../../base/platform';

import { recordShape } from '../../base/record-shape';

import { integer } from '../../base/validate';
import {
  encodeSocketAddress,
  IPV4_SIZE,
  IPV6_SIZE,
  STORAGE_SIZE,
  socketAddressAt,
} from './addresses';
import { type BytesCodec, native, UINT32_MAX } from './codec';
import { cText, guid } from './plain';

/** What one field is made of. */
interface Layout {
  readonly size: number;
  readonly align: number;
  /** `end`: where the value ends, which those that fill the rest want to know. */
  decode(bytes: Buffer, at: number, end: number): unknown;
  encode(bytes: Buffer, at: number, value: unknown, name: string): void;
}

interface Placed extends Layout {
  readonly name: string;
  readonly at: number;
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

function readOnly(_bytes: Buffer, _at: number, value: unknown, name: string): never {
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
      if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value);
      bytes[at] = Number(value);
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
      if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value);
      const given = Buffer.from(value);
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

function bitField(shift: number, width: number): Layout {
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

type Item = 'u8' | 'u16' | 'i32' | 'socket-address' | Fields;

function itemSize(item: Item, bytes: Buffer, at: number): number {
  if (typeof item === 'object') return layOut(item).size;
  if (item !== 'socket-address') return layoutOf(item).size;
  return socketAddressAt(bytes, at, IPV6_SIZE)?.family === 'IPv4' ? IPV4_SIZE : IPV6_SIZE;
}

function decodeItem(item: Item, bytes: Buffer, at: number, size: number): unknown {
  if (typeof item === 'object') return decodeFields(layOut(item), bytes, at, at + size);
  if (item === 'socket-address') return socketAddressAt(bytes, at, size);
  return layoutOf(item).decode(bytes, at, at + size);
}

/** What fills the rest of the structure. */
function rest(item: Item): Layout {
  return {
    size: 0,
    align: 1,
    decode(bytes, at, end) {
      const items: unknown[] = [];
      for (let start = at; start < end; ) {
        const size = itemSize(item, bytes, start);
        if (start + size > end) break;
        items.push(decodeItem(item, bytes, start, size));
        start += size;
      }
      return items;
    },
    encode: readOnly,
  };
}

/** The bytes of the items that are to fill the rest. */
function encodeRest(item: Item, value: unknown, name: string): Buffer {
  if (!Array.isArray(value)) throw invalidArgType(name, 'an array', value);
  if (typeof item === 'object') throw invalidArgValue(name, 'can only be read', value);
  const length = integer(`${name}.length`, value.length, 0, 0xffff);
  const parts = Array.from({ length }, (_, i) => {
    if (item === 'socket-address') return encodeSocketAddress(`${name}[${i}]`, value[i]);
    const { size, encode } = layoutOf(item);
    const part = Buffer.alloc(size);
    encode(part, 0, value[i], `${name}[${i}]`);
    return part;
  });
  return Buffer.concat(parts);
}

function layoutOf(field: Exclude<Field, `bits${number}`>): Layout {
  if (typeof field === 'object') {
    if ('each' in field) return rest(field.each);
    return 'u32' in field ? named(field.u32, u32) : named(field, plain.u8 ?? u32);
  }
  const found = plain[field];
  if (found !== undefined) return found;
  const size = Number(field.replace(/\D+/, ''));
  if (field.startsWith('text')) return textField(size);
  return field.startsWith('wide') ? wideText(size) : byteField(size);
}

const isBits = (field: Field): field is `bits${number}` =>
  typeof field === 'string' && field.startsWith('bits');

interface StructureLayout {
  readonly fields: readonly Placed[];
  /** The fields without padding. */
  readonly visible: readonly Placed[];
  readonly size: number;
  /** Objects with the first so many of the fields, by their number: kernels return fewer or more. */
  readonly shapes: Map<number, Readonly<Record<string, unknown>>>;
}

const layouts = new Map<Fields, StructureLayout>();

/** Where C puts the fields, and how long the whole is. */
function layOut(fields: Fields): StructureLayout {
  const known = layouts.get(fields);
  if (known !== undefined) return known;
  let end = 0;
  let bits = 0;
  let widest = 1;
  const placed = Object.entries(fields).map(([name, field]): Placed => {
    if (isBits(field)) {
      const width = Number(field.slice(4));
      if (bits === 0 || bits + width > 8) {
        end++;
        bits = 0;
      }
      const made = { ...bitField(bits, width), name, at: end - 1 };
      bits += width;
      return made;
    }
    bits = 0;
    const layout = layoutOf(field);
    const at = Math.ceil(end / layout.align) * layout.align;
    widest = Math.max(widest, layout.align);
    end = at + layout.size;
    return { ...layout, name, at };
  });
  const made = {
    fields: placed,
    visible: placed.filter(({ name }) => !name.startsWith('_')),
    size: Math.ceil(end / widest) * widest,
    shapes: new Map<number, Readonly<Record<string, unknown>>>(),
  };
  layouts.set(fields, made);
  return made;
}

/** Those fields that lie before `end`, without padding. */
function decodeFields(
  { visible, shapes }: StructureLayout,
  bytes: Buffer,
  start: number,
  end: number,
): Record<string, unknown> {
  let count = 0;
  for (const { at, size } of visible) {
    if (start + at + size > end) break;
    count++;
  }
  let shape = shapes.get(count);
  if (shape === undefined) {
    shape = recordShape(visible.slice(0, count).map(({ name }) => name));
    shapes.set(count, shape);
  }
  const value = { ...shape };
  for (const { name, at, decode } of visible) {
    if (count-- === 0) break;
    value[name] = decode(bytes, start + at, end);
  }
  return value;
}

function encodeFields(fields: Fields, value: unknown): Buffer {
  if (typeof value !== 'object' || value === null) {
    throw invalidArgType('value', "an object with the structure's fields", value);
  }
  const layout = layOut(fields);
  const bytes = Buffer.alloc(layout.size);
  let tail: Buffer = Buffer.alloc(0);
  const settable = layout.visible;
  const unknown = Object.keys(value).find((key) => !settable.some(({ name }) => name === key));
  if (unknown !== undefined) {
    throw invalidArgValue(
      'value',
      `has no field ${unknown}: they are ${settable.map(({ name }) => name).join(', ')}`,
      value,
    );
  }
  for (const { name, at, encode } of settable) {
    const given: unknown = Reflect.get(value, name);
    // What is not given is 0.
    if (given === undefined) continue;
    const field = fields[name];
    if (typeof field === 'object' && 'each' in field)
      tail = encodeRest(field.each, given, `value.${name}`);
    else encode(bytes, at, given, `value.${name}`);
  }
  return tail.length > 0 ? Buffer.concat([bytes, tail]) : bytes;
}

/** The codec of a structure. `room`: its length, where it holds more than its fields. */
export function structureCodec(
  fields: Fields,
  room: number | undefined,
  request: readonly number[] | undefined,
): BytesCodec<Record<string, unknown>> {
  const layout = layOut(fields);
  const hasRest = Object.values(fields).some(
    (field) => typeof field === 'object' && 'each' in field,
  );
  return {
    int: false,
    length: room ?? (hasRest ? 1024 : layout.size),
    request: requestBytes(request),
    decode: (bytes, length) => decodeFields(layout, bytes, 0, length),
    encode: (value) => encodeFields(fields, value),
  };
}

function requestBytes(request: readonly number[] = []): Uint8Array {
  const bytes = Buffer.alloc(4 * request.length);
  request.forEach((word, i) => {
    native.setU32(bytes, 4 * i, word);
  });
  return bytes;
}
