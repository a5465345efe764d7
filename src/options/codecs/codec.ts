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
const ordered = littleEndian
  ? {
      u16: (bytes: Buffer, at: number) => bytes.readUInt16LE(at),
      u32: (bytes: Buffer, at: number) => bytes.readUInt32LE(at),
      i32: (bytes: Buffer, at: number) => bytes.readInt32LE(at),
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

const words = new Uint32Array(2);
const unsigned = new BigUint64Array(words.buffer);
const signed = new BigInt64Array(words.buffer);

/** Puts 8 bytes where both arrays read them: a Buffer's own readBigInt64LE makes three bigints of them. */
function load(bytes: Buffer, at: number): void {
  words[0] = ordered.u32(bytes, at);
  words[1] = ordered.u32(bytes, at + 4);
}

export const native = {
  ...ordered,
  u64(bytes: Buffer, at: number): bigint {
    load(bytes, at);
    return unsigned[0] ?? 0n;
  },
  i64(bytes: Buffer, at: number): bigint {
    load(bytes, at);
    return signed[0] ?? 0n;
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
