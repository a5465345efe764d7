/** How the structures of options are laid out: names of fields and what each holds, in C's order. */
import type { SocketAddress } from '../addresses';

/**
 * - `u8` … `u64`, `i32`, `i64`: numbers with C's alignment; 64 bits are bigints
 * - `bool8`: a byte that is 0 or not
 * - `bits3`: that many bits of the byte at hand, the lowest first
 * - `address`, `ipv6-address`: a sockaddr_storage as packed structures have it, and a sockaddr_in6;
 *   `aligned-address`: a sockaddr_storage where C puts it, at a multiple of 8
 * - `text16`, `wide256`: text of that many bytes, or UTF-16 units, up to the first NUL
 * - `uuid`: a GUID of Windows
 * - `bytes8`: that many bytes
 * - `be32`: a number in network byte order; `packed-u32`: one that is not aligned
 * - an array: a byte whose value is an index of these names; `{ u32: names }`: the same of 32 bits
 * - `{ each }`: as many as fit in the rest: numbers, structures, or addresses each as long as its family's
 */
export type Field =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'i32'
  | 'i64'
  | 'bool8'
  | 'be32'
  | 'packed-u32'
  | 'address'
  | 'aligned-address'
  | 'ipv6-address'
  | 'uuid'
  | `bits${number}`
  | `text${number}`
  | `wide${number}`
  | `bytes${number}`
  | readonly string[]
  | { readonly u32: readonly string[] }
  | { readonly each: 'u8' | 'u16' | 'i32' | 'socket-address' | Fields };

/** A name that starts with an underscore is padding, and no part of the value. */
export interface Fields {
  readonly [name: string]: Field;
}

type FieldValue<Of extends Field> = Of extends readonly (infer Name)[]
  ? Name | number
  : Of extends { readonly u32: readonly (infer Name)[] }
    ? Name | number
    : Of extends { readonly each: infer Item }
      ? Item extends Fields
        ? StructureValue<Item>[]
        : Item extends 'socket-address'
          ? SocketAddress[]
          : number[]
      : Of extends 'u64' | 'i64'
        ? bigint
        : Of extends 'bool8'
          ? boolean
          : Of extends 'address' | 'aligned-address' | 'ipv6-address'
            ? SocketAddress | undefined
            : Of extends 'uuid' | `text${number}` | `wide${number}`
              ? string
              : Of extends `bytes${number}`
                ? Uint8Array
                : number;

/** A structure as an object. */
export type StructureValue<Of extends Fields> = {
  [Name in keyof Of as Name extends `_${string}` ? never : Name]: FieldValue<Of[Name]>;
};
