/** How an option's value gets from C's bytes to JavaScript and back. */
import { endianness } from 'node:os';

/** For what the kernel takes as one int: no buffer is needed. */
export interface IntCodec<Value> {
  readonly int: true;
  decode(value: number): Value;
  encode(value: unknown): number;
}

export interface BytesCodec<Value> {
  readonly int: false;
  /** How many bytes to ask for: those of the longest value, or exactly those that the kernel wants. */
  readonly length: number;
  /** What the kernel may read before it writes: these bytes, and 0 after them. */
  readonly request?: Uint8Array;
  /** The length is not known before, and the kernel refuses one that is too long (EINVAL). */
  readonly searched?: boolean;
  /** `length`: how many bytes of `bytes`, from 0 on, are the value. Those after it are another's. */
  decode(bytes: Buffer, length: number): Value;
  /** Good until the next value is encoded. */
  encode(value: unknown): Uint8Array;
  /** The level to set the option at, where that follows from the value. */
  level?(bytes: Uint8Array): number;
}

export type Codec<Value> = IntCodec<Value> | BytesCodec<Value>;

const littleEndian = endianness() === 'LE';

/** Numbers in the machine's own byte order. */
export const native = littleEndian
  ? {
      u16: (bytes: Buffer, at: number) => bytes.readUInt16LE(at),
      u32: (bytes: Buffer, at: number) => bytes.readUInt32LE(at),
      i32: (bytes: Buffer, at: number) => bytes.readInt32LE(at),
      u64: (bytes: Buffer, at: number) => bytes.readBigUInt64LE(at),
      i64: (bytes: Buffer, at: number) => bytes.readBigInt64LE(at),
      /** 64 bits of which 53 are used: no bigint is made. */
      number64: (bytes: Buffer, at: number) =>
        bytes.readInt32LE(at + 4) * 0x1_0000_0000 + bytes.readUInt32LE(at),
      setU16: (bytes: Buffer, at: number, value: number) => bytes.writeUInt16LE(value, at),
      setU32: (bytes: Buffer, at: number, value: number) => bytes.writeUInt32LE(value, at),
      setI32: (bytes: Buffer, at: number, value: number) => bytes.writeInt32LE(value, at),
      setU64: (bytes: Buffer, at: number, value: bigint) => bytes.writeBigUInt64LE(value, at),
      setI64: (bytes: Buffer, at: number, value: bigint) => bytes.writeBigInt64LE(value, at),
      setNumber64: (bytes: Buffer, at: number, value: number) => {
        bytes.writeUInt32LE(value % 0x1_0000_0000, at);
        bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
      },
    }
  : {
      u16: (bytes: Buffer, at: number) => bytes.readUInt16BE(at),
      u32: (bytes: Buffer, at: number) => bytes.readUInt32BE(at),
      i32: (bytes: Buffer, at: number) => bytes.readInt32BE(at),
      u64: (bytes: Buffer, at: number) => bytes.readBigUInt64BE(at),
      i64: (bytes: Buffer, at: number) => bytes.readBigInt64BE(at),
      number64: (bytes: Buffer, at: number) =>
        bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4),
      setU16: (bytes: Buffer, at: number, value: number) => bytes.writeUInt16BE(value, at),
      setU32: (bytes: Buffer, at: number, value: number) => bytes.writeUInt32BE(value, at),
      setI32: (bytes: Buffer, at: number, value: number) => bytes.writeInt32BE(value, at),
      setU64: (bytes: Buffer, at: number, value: bigint) => bytes.writeBigUInt64BE(value, at),
      setI64: (bytes: Buffer, at: number, value: bigint) => bytes.writeBigInt64BE(value, at),
      setNumber64: (bytes: Buffer, at: number, value: number) => {
        bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
        bytes.writeUInt32BE(value % 0x1_0000_0000, at + 4);
      },
    };

export const UINT32_MAX = 0xffffffff;

/** A 32-bit number with its bytes in the other order, on machines that are not in network byte order. */
export function networkOrder(value: number): number {
  if (!littleEndian) return value;
  return (
    ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)
  );
}
