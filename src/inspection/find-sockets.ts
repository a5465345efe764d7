import { invalidArgValue } from '../base/errors';
import { hasSockDiag } from '../base/platform';
import { boolean, integer, object, processId } from '../base/validate';
import { withOptions } from './found-options';
import { listSockets as listOnLinux } from './linux/list';
import { listSockets as listElsewhere } from './native-list';
import {
  HOLDER_SEARCHES,
  SOCKET_PROTOCOLS,
  SOCKET_STATES,
  type SocketFilter,
  type SocketInfo,
  type SocketProtocol,
  type SocketQuery,
} from './socket-info';

function oneOf<Value extends string>(name: string, value: Value, values: readonly Value[]): Value {
  if (values.includes(value)) return value;
  const list = values.map((known) => `'${known}'`).join(', ');
  throw invalidArgValue(name, `must be one of ${list}`, value);
}

function setOf<Value extends string>(
  name: string,
  given: Value | readonly Value[],
  values: readonly Value[],
): ReadonlySet<Value> {
  const list = Array.isArray(given) ? given : [given];
  return new Set(list.map((value) => oneOf(name, value, values)));
}

function filterOf(query: SocketQuery): SocketFilter {
  const { port, pid, protocol, state, processes = 'all', options = false } = object('query', query);
  if (port !== undefined) integer('query.port', port, 1, 65535);
  if (pid !== undefined) processId('query.pid', pid);
  oneOf('query.processes', processes, HOLDER_SEARCHES);
  if (boolean('query.options', options) && processes === 'none') {
    const rule = "can't be true with processes: 'none': options are read through a process";
    throw invalidArgValue('query.options', rule, options);
  }
  const all: readonly SocketProtocol[] = port === undefined ? SOCKET_PROTOCOLS : ['tcp', 'udp'];
  return {
    port,
    pid,
    protocols: setOf('query.protocol', protocol === undefined ? all : protocol, SOCKET_PROTOCOLS),
    states: state === undefined ? undefined : setOf('query.state', state, SOCKET_STATES),
    processes,
  };
}

/**
 * As `findSockets`, at once.
 *
 * @internal
 */
export function findSocketsSync(query: SocketQuery = {}): SocketInfo[] {
  const filter = filterOf(query);
  const sockets = hasSockDiag ? listOnLinux(filter) : listElsewhere(filter);
  return query.options ? sockets.map(withOptions) : sockets;
}

/**
 * Finds sockets of this machine, or on Linux of this network namespace: TCP, UDP and Unix domain sockets, with
 * their state, addresses and owners. Needs no privilege, but the processes of other users are seen by root and
 * with CAP_SYS_PTRACE only: `unseen` says of each socket what is missing. Reading disturbs no socket. The work is
 * done before the promise is returned, in one piece: 110 ms for all of 10,000 sockets (docs/inspecting.md).
 *
 * Linux: sock_diag(7) and proc(5). TCP sockets that are bound and do not listen are shown by Linux 6.8 and
 * later. macOS: libproc, only sockets of processes that the user may inspect. Windows:
 * GetExtendedTcpTable and GetExtendedUdpTable; no Unix sockets (Wine 8 leaves the processes of TCP sockets
 * out). FreeBSD: sysctl(3), without the states of TCP. The parts for macOS and FreeBSD were never run there.
 *
 * With `options: true` each socket has its `options` and those that are `changed`, as `inspectSocket` gives
 * them, read through a process that has it: directly those of this process, of others as `inspectSocket({ pid,
 * fd, cookie })` does, with the right that it needs. Where none can be read, `unseen` says why.
 *
 * @param query which sockets; by default all
 * @returns the sockets, in no particular order
 * @throws TypeError or RangeError (as a rejection) for arguments of the wrong type, range or name
 * @throws SystemError (as a rejection) ESRCH for a `pid` that no process has, EACCES for one of another user
 */
export async function findSockets(query: SocketQuery = {}): Promise<SocketInfo[]> {
  return findSocketsSync(query);
}
