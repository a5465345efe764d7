import { binding } from '../../base/binding';
import { invalidArgType, outOfRange } from '../../base/errors';
import { boolean, integer } from '../../base/validate';
import { type BytesCodec, native, UINT32_MAX } from './codec';

/** What SO_LINGER holds: whether close() waits for unsent data, and for how many seconds. */
export interface Linger {
  enabled: boolean;
  seconds: number;
}

function milliseconds(value: unknown): number {
  if (typeof value !== 'number') throw invalidArgType('value', 'of type number', value);
  if (value >= 0 && value <= UINT32_MAX) return value;
  throw outOfRange('value', `>= 0 && <= ${UINT32_MAX} milliseconds`, value);
}

/** A timeval of two numbers of `length / 2` bytes, rounded up to microseconds. */
function timeval(length: number): BytesCodec<number> {
  const bytes = Buffer.alloc(length);
  const wide = length === 16;
  return {
    int: false,
    length,
    decode: wide
      ? (from) => native.number64(from, 0) * 1000 + native.number64(from, 8) / 1000
      : (from) => native.i32(from, 0) * 1000 + native.i32(from, 4) / 1000,
    encode(value) {
      const microseconds = Math.ceil(milliseconds(value) * 1000);
      const seconds = Math.floor(microseconds / 1e6);
      const rest = microseconds % 1e6;
      if (wide) {
        native.setNumber64(bytes, 0, seconds);
        native.setNumber64(bytes, 8, rest);
      } else {
        native.setI32(bytes, 0, seconds);
        native.setI32(bytes, 4, rest);
      }
      return bytes;
    },
  };
}

/** Windows' DWORD of milliseconds. */
function wholeMilliseconds(): BytesCodec<number> {
  const bytes = Buffer.alloc(4);
  return {
    int: false,
    length: 4,
    decode: (from) => native.u32(from, 0),
    encode(value) {
      native.setU32(bytes, 0, Math.ceil(milliseconds(value)));
      return bytes;
    },
  };
}

export const timeout = binding.timeoutSize > 4 ? timeval(binding.timeoutSize) : wholeMilliseconds();

export const timeout64 = timeval(16);

function isLinger(value: unknown): value is { enabled: unknown; seconds: unknown } {
  return typeof value === 'object' && value !== null && 'enabled' in value && 'seconds' in value;
}

const lingerBytes = Buffer.alloc(binding.lingerSize);
/** Windows has two shorts, all others two ints. */
const shortLinger = binding.lingerSize === 4;

export const linger: BytesCodec<Linger> = {
  int: false,
  length: binding.lingerSize,
  decode: shortLinger
    ? (bytes) => ({ enabled: native.u16(bytes, 0) !== 0, seconds: native.u16(bytes, 2) })
    : (bytes) => ({ enabled: native.i32(bytes, 0) !== 0, seconds: native.i32(bytes, 4) }),
  encode(value) {
    if (!isLinger(value)) throw invalidArgType('value', 'an object { enabled, seconds }', value);
    // Read only once: a getter may return something else the next time.
    const enabled = boolean('value.enabled', value.enabled);
    const seconds = integer('value.seconds', value.seconds, 0, shortLinger ? 0x7fff : 0x7fffffff);
    if (shortLinger) {
      native.setU16(lingerBytes, 0, Number(enabled));
      native.setU16(lingerBytes, 2, seconds);
    } else {
      native.setI32(lingerBytes, 0, Number(enabled));
      native.setI32(lingerBytes, 4, seconds);
    }
    return lingerBytes;
  },
};
