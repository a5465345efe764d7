/** Unix domain sockets from sock_diag(7): include/uapi/linux/unix_diag.h. */
import { constants } from '../../base/constants';
import type { FoundSocket, SocketFilter } from '../socket-info';
import { cookieAt, SOCK_DIAG_BY_FAMILY, setQueues } from './inet-diag';
import { dumpRequest, littleEndian, readAttributes } from './netlink';
import { datagramState, stateBits } from './tcp-states';

const REQUEST = 24;
const MESSAGE = 16;

const UDIAG_SHOW_NAME = 0x01;
const UDIAG_SHOW_PEER = 0x04;
const UDIAG_SHOW_RQLEN = 0x10;
const UDIAG_SHOW_UID = 0x40;

const UNIX_DIAG_NAME = 0;
const UNIX_DIAG_PEER = 2;
const UNIX_DIAG_RQLEN = 4;
const UNIX_DIAG_UID = 7;

const SOCK_DGRAM = constants.SOCK_DGRAM;
const SOCK_SEQPACKET = constants.SOCK_SEQPACKET;

export function unixType(number: number): FoundSocket['type'] {
  if (number === SOCK_DGRAM) return 'dgram';
  return number === SOCK_SEQPACKET ? 'seqpacket' : 'stream';
}

export function unixRequest(filter: SocketFilter): Uint8Array {
  return dumpRequest(SOCK_DIAG_BY_FAMILY, REQUEST, (request) => {
    request.setUint8(0, constants.AF_UNIX);
    request.setUint32(4, stateBits(filter.states), littleEndian);
    const show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID;
    request.setUint32(12, show, littleEndian);
  });
}

const UTF8 = new TextDecoder();

function name(view: DataView, start: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, length);
  // A path ends with a NUL that is not part of it; an abstract name starts with one and is counted.
  const abstract = bytes[0] === 0;
  return UTF8.decode(!abstract && bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes);
}

/** The socket of one message; undefined for a message that is too short. */
export function unixSocket(view: DataView, start: number, end: number): FoundSocket | undefined {
  if (end - start < MESSAGE) return undefined;
  const state = datagramState(view.getUint8(start + 2));
  const found: FoundSocket = {
    protocol: 'unix',
    type: unixType(view.getUint8(start + 1)),
    local: { address: '', family: 'Unix', port: 0 },
    cookie: cookieAt(view, start + 8),
  };
  if (state !== undefined) found.state = state;
  const inode = view.getUint32(start + 4, littleEndian);
  if (inode !== 0) found.inode = inode;
  readAttributes(view, start + MESSAGE, end, (type, at, length) => {
    if (type === UNIX_DIAG_NAME) found.local.address = name(view, at, length);
    else if (type === UNIX_DIAG_PEER && length >= 4) found.peer = view.getUint32(at, littleEndian);
    else if (type === UNIX_DIAG_UID && length >= 4) found.uid = view.getUint32(at, littleEndian);
    else if (type === UNIX_DIAG_RQLEN && length >= 8) setQueues(found, view, at);
  });
  return found;
}
