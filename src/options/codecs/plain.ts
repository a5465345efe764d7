/** Text, bytes, and who is at the other end. */
import { types } from 'node:util';
import { invalidArgType, invalidArgValue } from '../../base/errors';
import { text as checkText } from '../../base/validate';
import { type BytesCodec, native } from './codec';

/** What SO_PEERCRED holds: the process at the other end of a Unix domain socket. */
export interface Credentials {
  /** 0 where there is no peer. */
  pid: number;
  uid: number;
  gid: number;
}

/** What LOCAL_PEERCRED holds: the user at the other end of a Unix domain socket. */
export interface PeerCredentials {
  uid: number;
  /** The effective group first. */
  groups: number[];
  /** Where the system tells it (FreeBSD 13). */
  pid?: number;
}

/** Up to the first NUL. */
export function cText(bytes: Buffer, start: number, end: number): string {
  const nul = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, nul === -1 || nul > end ? end : nul);
}

export const text: BytesCodec<string> = {
  int: false,
  // A security label may be longer; then the kernel says so (ERANGE), and is asked again.
  length: 256,
  decode: (bytes, length) => cText(bytes, 0, length),
  encode(value) {
    const name = checkText('value', value);
    if (name.includes('\0')) throw invalidArgValue('value', 'must hold no NUL', value);
    return Buffer.from(`${name}\0`);
  },
};

/** As RFC 9562 writes it. `bytes`: in the order of the text. */
function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}

/** A GUID of Windows, whose first three parts are numbers. */
export function guid(bytes: Buffer, at: number): string {
  const inOrder = Buffer.from(bytes.subarray(at, at + 16));
  inOrder.subarray(0, 4).reverse();
  inOrder.subarray(4, 6).reverse();
  inOrder.subarray(6, 8).reverse();
  return uuidText(inOrder);
}

function readOnly(value: unknown): never {
  throw invalidArgValue('value', 'of this kind can only be read', value);
}

export const uuid: BytesCodec<string> = {
  int: false,
  length: 16,
  decode: (bytes) => uuidText(bytes.subarray(0, 16)),
  encode: readOnly,
};

export const credentials: BytesCodec<Credentials> = {
  int: false,
  length: 12,
  decode: (bytes) => ({
    pid: native.i32(bytes, 0),
    uid: native.u32(bytes, 4),
    gid: native.u32(bytes, 8),
  }),
  encode: readOnly,
};

/** struct xucred: version, uid, a short with the number of groups, 16 groups; FreeBSD adds the pid. */
export const peerCredentials: BytesCodec<PeerCredentials> = {
  int: false,
  length: 88,
  decode(bytes, length) {
    const groups = Math.min(native.u16(bytes, 8), 16);
    return {
      uid: native.u32(bytes, 4),
      groups: Array.from({ length: groups }, (_, i) => native.u32(bytes, 12 + 4 * i)),
      ...(length >= 84 && { pid: native.i32(bytes, 80) }),
    };
  },
  encode: readOnly,
};

export const bytes: BytesCodec<Uint8Array> = {
  int: false,
  length: 512,
  decode(from, length) {
    const copy = Buffer.allocUnsafe(length);
    from.copy(copy, 0, 0, length);
    return copy;
  },
  encode(value) {
    if (types.isUint8Array(value)) return value;
    throw invalidArgType('value', 'an instance of Uint8Array', value);
  },
};
