/** TCP and UDP sockets from sock_diag(7): include/uapi/linux/inet_diag.h. */
import { constants } from '../../base/constants';
import { ipv4Text, ipv6Text } from '../../base/ip-text';
import type { SocketAddress } from '../../socket/socket-handle';
import type { FoundSocket, SocketFilter, SocketState } from '../socket-info';
import { dumpRequest, littleEndian, readAttributes } from './netlink';
import { datagramState, stateBits, tcpState, timerKind } from './tcp-states';

export const SOCK_DIAG_BY_FAMILY = 20;

const TCPDIAG_GETSOCK = 18;

const MESSAGE = 72;

const INET_DIAG_CONG = 4;
const INET_DIAG_SKV6ONLY = 11;
const INET_DIAG_CGROUP_ID = 21;

const INET_DIAG_REQ_BYTECODE = 1;
const INET_DIAG_BC_S_GE = 2;
const INET_DIAG_BC_S_LE = 3;

/** An attribute with two operations of two words each. */
const PORT_FILTER = 20;

/**
 * The local port, as a program that the kernel runs for each socket (inet_diag_bc_run): `sport >= port`, else jump
 * over the end, which is no; `sport <= port` the same.
 */
function writePortFilter(request: DataView, at: number, port: number): void {
  request.setUint16(at, PORT_FILTER, littleEndian);
  request.setUint16(at + 2, INET_DIAG_REQ_BYTECODE, littleEndian);
  for (const [code, start] of [
    [INET_DIAG_BC_S_GE, at + 4],
    [INET_DIAG_BC_S_LE, at + 12],
  ] as const) {
    const left = at + PORT_FILTER - start;
    request.setUint8(start, code);
    request.setUint8(start + 1, 8);
    request.setUint16(start + 2, left + 4, littleEndian);
    request.setUint16(start + 6, port, littleEndian);
  }
}

/** struct inet_diag_req. */
const TCP_REQUEST = 60;

/**
 * A request for TCP sockets; the kernel leaves out other states and other local ports, those of sockets that are
 * bound and no more by the program alone (inet_diag_dump_icsk passes over idiag_sport there). In the older form
 * (struct inet_diag_req), which is for both families at once (inet_diag_dump_compat): the kernel walks its
 * table once instead of twice, 1.3 ms each where memory makes that large.
 */
export function tcpRequest({ states, port }: SocketFilter): Uint8Array {
  const filter = port === undefined ? 0 : PORT_FILTER;
  return dumpRequest(TCPDIAG_GETSOCK, TCP_REQUEST + filter, (request) => {
    request.setUint8(3, 1 << (INET_DIAG_CONG - 1));
    request.setUint32(52, stateBits(states), littleEndian);
    if (port === undefined) return;
    request.setUint16(4, port);
    writePortFilter(request, TCP_REQUEST, port);
  });
}

/** A request for the UDP sockets of one family: struct inet_diag_req_v2. */
export function udpRequest(family: number, { states, port }: SocketFilter): Uint8Array {
  return dumpRequest(SOCK_DIAG_BY_FAMILY, 56, (request) => {
    request.setUint8(0, family);
    request.setUint8(1, constants.IPPROTO_UDP);
    request.setUint32(4, stateBits(states), littleEndian);
    request.setUint16(8, port ?? 0);
  });
}

/** Names of network interfaces by their numbers. */
export type InterfaceName = (index: number) => string;

interface AddressPlace {
  family: number;
  address: number;
  port: number;
}

function socketAddress(
  view: DataView,
  { family, address, port }: AddressPlace,
  device: string | undefined,
): SocketAddress {
  if (family !== constants.AF_INET6) {
    return { address: ipv4Text(view, address), family: 'IPv4', port: view.getUint16(port) };
  }
  // fe80::/10 means nothing without its interface.
  const linkLocal = (view.getUint16(address) & 0xffc0) === 0xfe80;
  const text = ipv6Text(view, address);
  return {
    address: linkLocal && device !== undefined ? `${text}%${device}` : text,
    family: 'IPv6',
    port: view.getUint16(port),
  };
}

const LATIN1 = new TextDecoder('latin1');

function text(view: DataView, start: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, length);
  const end = bytes.indexOf(0);
  return LATIN1.decode(end === -1 ? bytes : bytes.subarray(0, end));
}

/** Low and high half, each in the machine's byte order. */
export function cookieAt(view: DataView, offset: number): bigint {
  const low = view.getUint32(offset, littleEndian);
  return (BigInt(view.getUint32(offset + 4, littleEndian)) << 32n) | BigInt(low);
}

/** The receive and the send queue. Of a listener they are what waits to be accepted and how much may. */
export function setQueues(found: FoundSocket, view: DataView, offset: number): void {
  const received = view.getUint32(offset, littleEndian);
  const sent = view.getUint32(offset + 4, littleEndian);
  if (found.state === 'LISTEN') {
    found.queue = received;
    found.backlog = sent;
  } else {
    found.unread = received;
    found.unsent = sent;
  }
}

const UNCONNECTED: ReadonlySet<SocketState | undefined> = new Set<SocketState>([
  'LISTEN',
  'BOUND',
  'CLOSED',
  'UNCONNECTED',
]);

/** The socket of one message; undefined for a message that is too short. */
export function inetSocket(
  view: DataView,
  start: number,
  end: number,
  protocol: 'tcp' | 'udp',
  interfaceName: InterfaceName,
): FoundSocket | undefined {
  if (end - start < MESSAGE) return undefined;
  const family = view.getUint8(start);
  const number = view.getUint8(start + 1);
  const state = protocol === 'tcp' ? tcpState(number) : datagramState(number);
  const index = view.getUint32(start + 40, littleEndian);
  const device = index === 0 ? undefined : interfaceName(index);
  const local = { family, address: start + 8, port: start + 4 };
  const found: FoundSocket = {
    protocol,
    type: protocol === 'tcp' ? 'stream' : 'dgram',
    local: socketAddress(view, local, device),
    cookie: cookieAt(view, start + 44),
    uid: view.getUint32(start + 64, littleEndian),
  };
  if (state !== undefined) found.state = state;
  if (device !== undefined) found.device = device;
  if (!UNCONNECTED.has(state)) {
    const remote = { family, address: start + 24, port: start + 6 };
    found.remote = socketAddress(view, remote, device);
  }
  const inode = view.getUint32(start + 68, littleEndian);
  if (inode !== 0) found.inode = inode;
  setQueues(found, view, start + 56);
  const kind = timerKind(view.getUint8(start + 2));
  if (kind !== undefined) {
    const expires = view.getUint32(start + 52, littleEndian);
    found.timer = { kind, expires, retries: view.getUint8(start + 3) };
    // FIN_WAIT2 has it, too, once the process has closed the socket (tw_substate).
    if (kind === 'time-wait') found.expiresIn = expires;
  }
  readAttributes(view, start + MESSAGE, end, (type, at, length) => {
    if (type === INET_DIAG_CONG) found.congestion = text(view, at, length);
    else if (type === INET_DIAG_SKV6ONLY && length >= 1) found.v6only = view.getUint8(at) !== 0;
    else if (type === INET_DIAG_CGROUP_ID && length >= 8) {
      found.cgroupId = view.getBigUint64(at, littleEndian);
    }
  });
  return found;
}
