/** The socket tables of this network namespace: from sock_diag, and from /proc/net where that is missing. */
import { binding } from '../../base/binding';
import { constants } from '../../base/constants';
import type { FoundSocket, SocketFilter } from '../socket-info';
import { type InterfaceName, inetSocket, tcpRequest, udpRequest } from './inet-diag';
import { type DumpEnd, readDump } from './netlink';
import { readInetTable, readUnixTable } from './proc-net';
import { unixRequest, unixSocket } from './unix-diag';

/** Far above the 150 bytes each of a million sockets. */
const LIMIT = 0x20000000;

/** A table that changes is read again so often. */
const ATTEMPTS = 3;

const UDP_TABLES = [
  [constants.AF_INET, 'udp'],
  [constants.AF_INET6, 'udp6'],
] as const;

/** One table: how it is asked for, how an answer is read, and what is read instead. */
export interface Dump {
  request: Uint8Array;
  read(view: DataView, start: number, end: number): FoundSocket | undefined;
  fallback(): FoundSocket[];
}

/** Names by number, each looked up once. */
function interfaceNames(): InterfaceName {
  const names = new Map<number, string>();
  return (index) => {
    const name = names.get(index) ?? binding.interfaceName(index);
    names.set(index, name);
    return name;
  };
}

function dumpsOf(filter: SocketFilter): Dump[] {
  const dumps: Dump[] = [];
  const names = interfaceNames();
  if (filter.protocols.has('tcp')) {
    dumps.push({
      request: tcpRequest(filter),
      read: (view, start, end) => inetSocket(view, start, end, 'tcp', names),
      fallback: () => [...readInetTable('tcp'), ...readInetTable('tcp6')],
    });
  }
  for (const [family, table] of UDP_TABLES) {
    if (!filter.protocols.has('udp')) break;
    dumps.push({
      request: udpRequest(family, filter),
      read: (view, start, end) => inetSocket(view, start, end, 'udp', names),
      fallback: () => readInetTable(table),
    });
  }
  if (filter.protocols.has('unix')) {
    dumps.push({ request: unixRequest(filter), read: unixSocket, fallback: readUnixTable });
  }
  return dumps;
}

/**
 * The sockets of each dump's answer. A socket that comes twice, since the table changed under the dump, is one:
 * its cookie is the same.
 */
export function readAnswers(dumps: readonly Dump[], bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  return dumps.map((dump): DumpEnd & { sockets: FoundSocket[] } => {
    const sockets = new Map<bigint, FoundSocket>();
    const { next, ...ended } = readDump(view, offset, (start, end) => {
      const socket = dump.read(view, start, end);
      if (socket?.cookie !== undefined) sockets.set(socket.cookie, socket);
    });
    offset = next;
    return { ...ended, sockets: [...sockets.values()] };
  });
}

/** The sockets that the system shows, of the filter's protocols; more than the filter lets through. */
export function readSocketTables(filter: SocketFilter): FoundSocket[] {
  const dumps = dumpsOf(filter);
  const requests = Buffer.concat(dumps.map(({ request }) => request));
  for (let attempt = 1; ; attempt++) {
    const bytes = binding.socketDiag(requests, LIMIT);
    // Sandboxes refuse the socket: seccomp, gVisor, Android's SELinux.
    if (typeof bytes === 'number') return dumps.flatMap((dump) => dump.fallback());
    const answers = readAnswers(dumps, bytes);
    if (attempt < ATTEMPTS && answers.some(({ interrupted }) => interrupted)) continue;
    return answers.flatMap(({ error, sockets }, i) =>
      // ENOENT from a kernel without this protocol's module.
      error < 0 ? (dumps[i]?.fallback() ?? []) : sockets,
    );
  }
}
