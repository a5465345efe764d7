/**
 * The tables of /proc/net (proc_pid_net(5)), for kernels and sandboxes without sock_diag. They show no sockets
 * that are only bound, no cookies, no backlog and no control groups.
 */
import { readFileSync } from 'node:fs';
import { ipv4Text, ipv6Text } from '../../base/ip-text';
import type { SocketAddress } from '../../socket/socket-handle';
import type { FoundSocket } from '../socket-info';
import { littleEndian } from './netlink';
import { datagramState, tcpState, timerKind } from './tcp-states';
import { unixType } from './unix-diag';

/** Times are in ticks of USER_HZ, 100 a second on every architecture of Node's. */
const TICK = 10;

/** Words of 32 bits in the machine's byte order, in hexadecimal: `0100007F:1F90`. */
function address(field: string): SocketAddress | undefined {
  const match = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(field);
  const [, words = '', port = ''] = match ?? [];
  if (words.length !== 8 && words.length !== 32) return undefined;
  const view = new DataView(new ArrayBuffer(words.length / 2));
  for (let i = 0; i < words.length / 8; i++) {
    view.setUint32(4 * i, Number.parseInt(words.slice(8 * i, 8 * i + 8), 16), littleEndian);
  }
  const number = Number.parseInt(port, 16);
  return words.length === 8
    ? { address: ipv4Text(view, 0), family: 'IPv4', port: number }
    : { address: ipv6Text(view, 0), family: 'IPv6', port: number };
}

/** Two numbers in hexadecimal around a colon. */
function pair(field: string): [number, number] {
  const [first = '', second = ''] = field.split(':');
  return [Number.parseInt(first, 16), Number.parseInt(second, 16)];
}

/** The socket of one line of tcp, tcp6, udp or udp6; undefined for the heading and whatever else it is. */
export function parseInetLine(line: string, protocol: 'tcp' | 'udp'): FoundSocket | undefined {
  const [, localField, remoteField, stateField, queues, timerField, retries, uid, , inodeField] =
    line.trim().split(/\s+/);
  const local = address(localField ?? '');
  const remote = address(remoteField ?? '');
  if (!local || !remote || !stateField || !queues || !timerField) return undefined;
  const number = Number.parseInt(stateField, 16);
  const state = protocol === 'tcp' ? tcpState(number) : datagramState(number);
  const found: FoundSocket = { protocol, type: protocol === 'tcp' ? 'stream' : 'dgram', local };
  if (state !== undefined) found.state = state;
  if (remote.port !== 0) found.remote = remote;
  const [sent, received] = pair(queues);
  if (state === 'LISTEN') {
    found.queue = received;
  } else {
    found.unread = received;
    found.unsent = sent;
  }
  found.uid = Number(uid);
  const inode = Number(inodeField);
  if (inode > 0) found.inode = inode;
  const [timer, ticks] = pair(timerField);
  const kind = timerKind(timer);
  if (kind !== undefined) {
    found.timer = { kind, expires: ticks * TICK, retries: Number.parseInt(retries ?? '0', 16) };
    if (kind === 'time-wait') found.expiresIn = ticks * TICK;
  }
  return found;
}

const ACCEPTS = 0x10000; // __SO_ACCEPTCON, include/uapi/linux/net.h
const SS_CONNECTED = 3;

/** The socket of one line of unix; undefined for the heading and whatever else it is. */
export function parseUnixLine(line: string): FoundSocket | undefined {
  const match =
    /^[0-9a-f]+: [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{8}) ([0-9A-F]{4}) ([0-9A-F]{2}) +(\d+)(?: (.*))?$/i.exec(
      line,
    );
  if (!match) return undefined;
  const [, flags = '', type = '', state = '', inode = '', path = ''] = match;
  const listens = (Number.parseInt(flags, 16) & ACCEPTS) !== 0;
  const connected = Number.parseInt(state, 16) === SS_CONNECTED;
  return {
    protocol: 'unix',
    type: unixType(Number.parseInt(type, 16)),
    // NULs are shown as @; an abstract name starts with one.
    local: { address: path.replace(/^@/, '\0'), family: 'Unix', port: 0 },
    state: listens ? 'LISTEN' : connected ? 'ESTABLISHED' : 'UNCONNECTED',
    inode: Number(inode),
  };
}

function lines(table: string): string[] {
  try {
    return readFileSync(`/proc/net/${table}`, 'utf8').split('\n');
  } catch {
    // A kernel without IPv6 has no tcp6; what can't be read at all shows no sockets.
    return [];
  }
}

function known(found: FoundSocket | undefined): FoundSocket[] {
  return found === undefined ? [] : [found];
}

export function readInetTable(table: 'tcp' | 'tcp6' | 'udp' | 'udp6'): FoundSocket[] {
  const protocol = table.startsWith('tcp') ? 'tcp' : 'udp';
  return lines(table).flatMap((line) => known(parseInetLine(line, protocol)));
}

export function readUnixTable(): FoundSocket[] {
  return lines('unix').flatMap((line) => known(parseUnixLine(line)));
}
