/** The sockets of a system that lists them by calls of its own: macOS, Windows, FreeBSD. */
import { binding, type NativeAddress, type NativeSocket } from '../base/binding';
import { constants } from '../base/constants';
import { systemError } from '../base/errors';
import type { SocketAddress } from '../socket/socket-handle';
import {
  type FoundSocket,
  matches,
  type ProcessInfo,
  SOCKET_STATES,
  type SocketFilter,
  type SocketHolder,
  type SocketInfo,
  type SocketProtocol,
  type SocketState,
  type Unseen,
} from './socket-info';

const FAMILIES = new Map<number, SocketAddress['family']>([
  [constants.AF_INET, 'IPv4'],
  [constants.AF_INET6, 'IPv6'],
  [constants.AF_UNIX, 'Unix'],
]);

const PROTOCOLS = new Map<number, SocketProtocol>([
  [constants.IPPROTO_TCP, 'tcp'],
  [constants.IPPROTO_UDP, 'udp'],
]);

const TYPES = new Map<number, SocketInfo['type']>([
  [constants.SOCK_STREAM, 'stream'],
  [constants.SOCK_DGRAM, 'dgram'],
  [constants.SOCK_SEQPACKET, 'seqpacket'],
]);

function socketAddress({ address, family, port }: NativeAddress): SocketAddress {
  return { address, family: FAMILIES.get(family) ?? 'Unix', port };
}

function isState(text: string): text is SocketState {
  return SOCKET_STATES.some((state) => state === text);
}

/** Undefined for a socket of another protocol. */
function foundSocket(native: NativeSocket): FoundSocket | undefined {
  const protocol = native.family === constants.AF_UNIX ? 'unix' : PROTOCOLS.get(native.protocol);
  const type = TYPES.get(native.type);
  if (protocol === undefined || type === undefined) return undefined;
  const found: FoundSocket = { protocol, type, local: socketAddress(native.local) };
  if (native.state !== undefined && isState(native.state)) found.state = native.state;
  if (native.remote) found.remote = socketAddress(native.remote);
  for (const name of ['uid', 'queue', 'backlog', 'unread', 'unsent'] as const) {
    const value = native[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** What the system tells of a process: nothing but its number where it has ended, or is another user's. */
export function describeProcess(pid: number): { info: ProcessInfo; user?: string } {
  const native = binding.describeProcess(pid);
  if (typeof native === 'number') return { info: { pid } };
  const info: ProcessInfo = { pid };
  if (native.name !== undefined) info.name = native.name;
  if (native.command.length > 0) info.command = native.command.join(' ');
  if (native.started !== undefined) info.startedAt = new Date(native.started);
  return { info, ...(native.user !== undefined && { user: native.user }) };
}

const UNTOLD: Unseen = {
  what: 'processes',
  message: 'the system does not tell which process has it',
};

/** The sockets that the filter lets through. */
export function listSockets(filter: SocketFilter): SocketInfo[] {
  const all = binding.listSockets(filter.pid ?? -1);
  if (typeof all === 'number') throw systemError(all, 'findSockets');
  const processes = new Map<number, ReturnType<typeof describeProcess>>();
  const shared = new Map<bigint, SocketInfo>();
  const infos: SocketInfo[] = [];
  for (const native of all) {
    const found = foundSocket(native);
    if (!found || !filter.protocols.has(found.protocol) || !matches(filter, found)) continue;
    const same = native.id === undefined ? undefined : shared.get(native.id);
    const info: SocketInfo = same ?? { ...found, processes: [], unseen: [] };
    if (same === undefined) infos.push(info);
    if (native.id !== undefined) shared.set(native.id, info);
    if (filter.processes === 'none') continue;
    if (native.pid === undefined) {
      // Nobody has a connection that only waits for its end.
      if (found.state !== 'TIME_WAIT') info.unseen = [UNTOLD];
      continue;
    }
    const owner = processes.get(native.pid) ?? describeProcess(native.pid);
    processes.set(native.pid, owner);
    const holder: SocketHolder = { ...owner.info };
    if (native.fd !== undefined) holder.fd = native.fd;
    info.processes.push(holder);
    if (owner.user !== undefined) info.user ??= owner.user;
  }
  return infos;
}
