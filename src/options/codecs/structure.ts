/** C structures as objects, by their fields' layout. */
import { invalidArgType, invalidArgValue } from '../../base/errors';
import type { Field, Fields } from '../../base/option-table/fields';
import { recordShape } from '../../base/record-shape';
import { integer } from '../../base/validate';
import { encodeSocketAddress, IPV4_SIZE, IPV6_SIZE, socketAddressAt } from './addresses';
import { type BytesCodec, native } from './codec';
import { bitField, type Layout, readOnly, wholeField } from './structure-fields';

interface Placed extends Layout {
  readonly name: string;
  readonly at: number;
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
  return typeof field === 'object' && 'each' in field ? rest(field.each) : wholeField(field);
}

const isBits = (field: Field): field is `bits${number}` =>
  typeof field === 'string' && field.startsWith('bits');

interface StructureLayout {
  readonly fields: readonly Placed[];
  /** The fields without padding. */
  readonly visible: readonly Placed[];
  readonly size: number;
  /** By the number of the fields: kernels return fewer or more. */
  readonly templates: Map<number, Template>;
}

/** A structure that came, of whose values the next ones have most. */
interface Template {
  readonly fields: readonly Placed[];
  readonly values: readonly unknown[];
  readonly shape: Readonly<Record<string, unknown>>;
}

const layouts = new Map<Fields, StructureLayout>();

/** All with the same properties in the same order: reading those of objects that differ takes V8 a search. */
function place(name: string, at: number, { size, align, decode, encode }: Layout): Placed {
  return { name, at, size, align, decode, encode };
}

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
      const made = place(name, end - 1, bitField(bits, width));
      bits += width;
      return made;
    }
    bits = 0;
    const layout = layoutOf(field);
    const at = Math.ceil(end / layout.align) * layout.align;
    widest = Math.max(widest, layout.align);
    end = at + layout.size;
    return place(name, at, layout);
  });
  const made = {
    fields: placed,
    visible: placed.filter(({ name }) => !name.startsWith('_')),
    size: Math.ceil(end / widest) * widest,
    templates: new Map<number, Template>(),
  };
  layouts.set(fields, made);
  return made;
}

/** What a structure with the first `count` of the fields looks like: the first that comes is the template. */
function templateOf(
  { visible, templates }: StructureLayout,
  count: number,
  decoded: (field: Placed) => unknown,
): Template {
  const known = templates.get(count);
  if (known !== undefined) return known;
  const fields = visible.slice(0, count);
  const values = fields.map(decoded);
  const shape = { ...recordShape(fields.map(({ name }) => name)) };
  fields.forEach(({ name }, i) => {
    shape[name] = values[i];
  });
  const made = { fields, values, shape };
  templates.set(count, made);
  return made;
}

/** Those fields that lie before `end`, without padding. */
function decodeFields(
  layout: StructureLayout,
  bytes: Buffer,
  start: number,
  end: number,
): Record<string, unknown> {
  let count = 0;
  for (const { at, size } of layout.visible) {
    if (start + at + size > end) break;
    count++;
  }
  const decoded = ({ at, decode }: Placed) => decode(bytes, start + at, end);
  const { fields, values, shape } = templateOf(layout, count, decoded);
  const value = { ...shape };
  for (let i = 0; i < count; i++) {
    const field = fields[i];
    if (field === undefined) break;
    const one = field.decode(bytes, start + field.at, end);
    // Storing by a computed name costs most of all. Objects are never the same: each value has its own.
    if (one !== values[i]) value[field.name] = one;
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
