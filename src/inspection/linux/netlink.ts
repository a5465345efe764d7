/** Netlink's messages and attributes: netlink(7), include/uapi/linux/netlink.h. */
import { endianness } from 'node:os';

/** Netlink is in the machine's byte order. */
export const littleEndian = endianness() === 'LE';

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 0x001;
const NLM_F_DUMP_INTR = 0x010;
const NLM_F_DUMP = 0x300;
const HEADER = 16;

/** A message that asks for a dump; `write` fills the payload, which starts as zeros. */
export function dumpRequest(
  type: number,
  payload: number,
  write: (view: DataView) => void,
): Uint8Array {
  const message = new DataView(new ArrayBuffer(HEADER + payload));
  message.setUint32(0, HEADER + payload, littleEndian);
  message.setUint16(4, type, littleEndian);
  message.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, littleEndian);
  write(new DataView(message.buffer, HEADER));
  return new Uint8Array(message.buffer);
}

const aligned = (length: number) => (length + 3) & ~3;

/** What became of a dump. */
export interface DumpEnd {
  /** The kernel's negative error number, or 0. */
  error: number;
  /** Whether the tables changed in a way that may have left something out. */
  interrupted: boolean;
}

/**
 * Calls `visit` with the payload of every message of one dump, from `offset` on. Stops at the end of the dump,
 * at an error, and at a message that does not fit the bytes.
 *
 * @returns what became of the dump, and where the next one starts
 */
export function readDump(
  view: DataView,
  offset: number,
  visit: (start: number, end: number) => void,
): DumpEnd & { next: number } {
  let interrupted = false;
  let at = offset;
  while (at + HEADER <= view.byteLength) {
    const length = view.getUint32(at, littleEndian);
    const end = at + length;
    if (length < HEADER || end > view.byteLength) break;
    const type = view.getUint16(at + 4, littleEndian);
    interrupted ||= (view.getUint16(at + 6, littleEndian) & NLM_F_DUMP_INTR) !== 0;
    const next = Math.min(at + aligned(length), view.byteLength);
    if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      // DONE carries an error, too, where the dump failed on its way (netlink_dump_done).
      const error = length >= HEADER + 4 ? view.getInt32(at + HEADER, littleEndian) : 0;
      return { error, interrupted, next };
    }
    visit(at + HEADER, end);
    at = next;
  }
  return { error: 0, interrupted, next: view.byteLength };
}

/** Calls `visit` with type, start and length of the attributes between `start` and `end` (struct rtattr). */
export function readAttributes(
  view: DataView,
  start: number,
  end: number,
  visit: (type: number, start: number, length: number) => void,
): void {
  let at = start;
  while (at + 4 <= end) {
    const length = view.getUint16(at, littleEndian);
    if (length < 4 || at + length > end) return;
    // The two highest bits are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
    visit(view.getUint16(at + 2, littleEndian) & 0x3fff, at + 4, length - 4);
    at += aligned(length);
  }
}
