/** The sockets that have a port, and what can be learned of those who have them. */
import { canonicalAddress, covers } from '../../base/addresses';
import { binding } from '../../base/binding';
import { constants } from '../../base/constants';
import { hasProcSys } from '../../base/platform';
import { findSocketsSync } from '../find-sockets';
import { unseenOptions } from '../found-options';
import {
  hasLoadedBindport,
  isInheritable,
  processesToReceive,
  processState,
  programOf,
  waitsForNoSocket,
} from '../linux/process-facts';
import type { ProcessInfo, SocketHolder, SocketInfo } from '../socket-info';
import type { PortHolder, SharingOptions } from './report';

/** A socket that has the port, with what the system tells of its processes. */
export interface HolderFacts {
  socket: PortHolder;
  /** Processes that are stopped. */
  stopped: readonly SocketHolder[];
  /** Those to end: neither the heirs nor children of others that have the socket. */
  leaders: readonly SocketHolder[];
  /** Those that have the descriptor from another program, as far as that can be told. */
  heirs: readonly SocketHolder[];
  /** The process that has loaded this package. */
  reservedBy: SocketHolder | undefined;
  /** The processes to which descriptors are on their way. */
  receivers: readonly ProcessInfo[];
  /** Whether it is the end of a connection that this side began. */
  client: boolean;
}

/** Whose options are read: a server shares its port by a few sockets, not by a thousand. */
const MOST_OPTIONS = 64;

/** Sockets that others' binds compare their options with. */
function hasSharingOptions({ protocol, state }: SocketInfo): boolean {
  return protocol === 'udp' || state === 'LISTEN' || state === 'BOUND';
}

const SHARING = (['SO_REUSEADDR', 'SO_REUSEPORT'] as const).filter(
  (name) => constants[name] !== undefined,
);

/** The options that its process set, or libuv's error number. */
function readSharing(socket: SocketInfo, { pid, tid, fd = -1 }: SocketHolder) {
  const plan = Int32Array.from(
    SHARING.flatMap((name) => [constants.SOL_SOCKET, constants[name] ?? 0, 4]),
  );
  const results = new Int32Array(SHARING.length);
  const values = new Uint8Array(8 * SHARING.length);
  const inspected = binding.inspectOf(tid ?? pid, fd, socket.cookie ?? 0n, plan, results, values);
  if (typeof inspected === 'number') return inspected;
  const options: SharingOptions = {};
  SHARING.forEach((name, i) => {
    // The BSDs give the option's own bit, Linux 1.
    const on = values.subarray(8 * i, 8 * i + 4).some((byte) => byte !== 0);
    if ((results[i] ?? -1) > 0) options[name] = on;
  });
  return options;
}

function withOptions(socket: SocketInfo): PortHolder {
  const [holder] = socket.processes;
  if (!hasSharingOptions(socket) || holder?.fd === undefined) return socket;
  const options = readSharing(socket, holder);
  if (typeof options !== 'number') return { ...socket, options };
  return { ...socket, unseen: [...socket.unseen, unseenOptions(options)] };
}

/**
 * The processes that run another program than the first one that had the socket; or the only process, if it
 * waits for no socket at all and has a descriptor that programs inherit.
 */
function heirsOf(processes: readonly SocketHolder[]): readonly SocketHolder[] {
  // A service manager passes its sockets on.
  if (processes.some(({ pid }) => pid === 1)) return [];
  const [only] = processes;
  if (only === undefined) return [];
  if (processes.length === 1) {
    const { pid, fd = -1 } = only;
    return isInheritable(pid, fd) && waitsForNoSocket(pid) ? processes : [];
  }
  const started = new Map(processes.map(({ pid }) => [pid, processState(pid)?.started ?? 0]));
  const [first] = processes.toSorted(
    (a, b) => (started.get(a.pid) ?? 0) - (started.get(b.pid) ?? 0) || a.pid - b.pid,
  );
  const program = programOf(first?.pid ?? 0);
  return processes.filter(({ pid }) => programOf(pid) !== program);
}

/** Whether somebody listens on this machine where the other end of the connection is. */
function isClient(socket: SocketInfo): boolean {
  const { remote, protocol } = socket;
  if (socket.state === 'SYN_SENT') return true;
  if (remote === undefined || remote.port === 0) return false;
  const state = protocol === 'tcp' ? 'LISTEN' : 'UNCONNECTED';
  const there = canonicalAddress(remote.address);
  return findSocketsSync({ port: remote.port, protocol, state, processes: 'none' }).some(
    ({ local }) => {
      const address = canonicalAddress(local.address);
      return address === there || address === '0.0.0.0' || address === '::';
    },
  );
}

const CONNECTED = new Set<SocketInfo['state']>(['SYN_SENT', 'ESTABLISHED', 'CLOSE_WAIT']);

/** Whether nobody has a descriptor of it, though there is one, and no right would show who. */
function isUnclaimed({ inode, processes, unseen }: SocketInfo): boolean {
  return inode !== undefined && processes.length === 0 && unseen.every(({ right }) => !right);
}

/** Learns what there is to learn, each thing once. */
class Enquiry {
  readonly #clients = new Map<number | undefined, boolean>();
  #receivers: readonly ProcessInfo[] | undefined;

  factsOf(socket: PortHolder): HolderFacts {
    const { processes, state } = socket;
    const sharing = hasProcSys && hasSharingOptions(socket);
    // A process may have several descriptors of one socket.
    const distinct = [...new Map(processes.map((holder) => [holder.pid, holder])).values()];
    const heirs = sharing ? heirsOf(distinct) : [];
    const parents = new Map(
      sharing ? distinct.map(({ pid }) => [pid, processState(pid)?.parent]) : [],
    );
    return {
      socket,
      heirs,
      leaders: distinct.filter((holder) => {
        if (heirs.includes(holder)) return false;
        const parent = parents.get(holder.pid);
        return parent === undefined || !parents.has(parent);
      }),
      client: CONNECTED.has(state) && this.#isClient(socket),
      receivers: hasProcSys && isUnclaimed(socket) ? this.#allReceivers() : [],
      stopped: sharing ? distinct.filter(({ pid }) => processState(pid)?.stopped) : [],
      reservedBy:
        sharing && state === 'BOUND'
          ? processes.find(({ pid }) => hasLoadedBindport(pid))
          : undefined,
    };
  }

  /** Of the first connection of each process: it has a thousand of one kind, not of both. */
  #isClient(socket: SocketInfo): boolean {
    const pid = socket.processes[0]?.pid;
    const client = this.#clients.get(pid) ?? isClient(socket);
    this.#clients.set(pid, client);
    return client;
  }

  #allReceivers(): readonly ProcessInfo[] {
    this.#receivers ??= processesToReceive();
    return this.#receivers;
  }
}

/**
 * The sockets that listen on the port, and of UDP all that have it. To list the others, too, takes the kernel
 * a hundred times as long (inet_diag walks each of its buckets), so they are asked for where a bind is refused.
 */
export function findListeners(port: number, protocol: 'tcp' | 'udp'): HolderFacts[] {
  const states = protocol === 'tcp' ? ({ state: 'LISTEN' } as const) : {};
  return factsOf(findSocketsSync({ port, protocol, processes: 'likely', ...states }));
}

/** All sockets that have the TCP port: those that are bound and connections, too. */
export function findAll(port: number): HolderFacts[] {
  return factsOf(findSocketsSync({ port, protocol: 'tcp', processes: 'likely' }));
}

function factsOf(sockets: readonly SocketInfo[]): HolderFacts[] {
  const enquiry = new Enquiry();
  return sockets.map((socket, i) =>
    enquiry.factsOf(i < MOST_OPTIONS ? withOptions(socket) : socket),
  );
}

/** Whether nobody has the TCP port but these listeners and, on their addresses, their connections. */
export function areAlone(port: number, listeners: readonly HolderFacts[]): boolean {
  return findSocketsSync({ port, protocol: 'tcp', processes: 'none' }).every(
    ({ state, local }) =>
      state !== 'BOUND' &&
      listeners.some(({ socket }) =>
        covers(canonicalAddress(socket.local.address), canonicalAddress(local.address)),
      ),
  );
}
