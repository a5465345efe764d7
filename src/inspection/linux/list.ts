/** The sockets of a Linux machine: from its tables, with the processes, users and groups that they belong to. */
import { EACCES, ENOENT, EPERM, ESRCH, systemError } from '../../base/errors';
import { lackedRight } from '../lacked-right';
import {
  type FoundSocket,
  matches,
  type SocketFilter,
  type SocketHolder,
  type SocketInfo,
  type Unseen,
} from '../socket-info';
import { ControlGroups } from './cgroups';
import { findHolders, type Holders, socketsOfProcess } from './processes';
import { readSocketTables } from './sock-diag';
import { hidesProcesses, tracesOthers } from './system';
import { localUsers } from './users';

/** The sockets of one process, by their inodes. */
function inodesOf(pid: number): ReadonlySet<number> {
  const inodes = socketsOfProcess(pid);
  if (typeof inodes !== 'number') return inodes;
  if (inodes === ENOENT) throw systemError(ESRCH, 'open', { subject: `process ${pid}` });
  throw systemError(inodes, 'open', {
    subject: `/proc/${pid}/fd`,
    ...((inodes === EACCES || inodes === EPERM) && {
      explanation: `${WHO_SEES[lackedRight()]} what the processes of others have open`,
    }),
  });
}

/** Whose right it takes to see the descriptors of others: the beginning of a sentence. */
const WHO_SEES = {
  CAP_SYS_PTRACE: 'it takes CAP_SYS_PTRACE over its user namespace, which this root lacks, to see',
  root: 'root sees, and with CAP_SYS_PTRACE others do (Linux 5.14),',
} as const;

function denied(question: string): Unseen {
  const right = lackedRight();
  return { what: 'processes', right, message: `${WHO_SEES[right]} ${question}` };
}

const ELSEWHERE: Unseen = {
  what: 'processes',
  message:
    'no process that is seen here has it: it is on its way from one to another, in another pid or user namespace, or the kernel’s own',
};

/** What follows from the processes of one listing. */
class Owners {
  readonly #holders: Holders | undefined;
  readonly #groups = new ControlGroups();
  readonly #users = localUsers();
  readonly #searchesAll: boolean;
  #lacking: boolean | undefined;

  constructor(found: readonly FoundSocket[], depth: SocketFilter['processes']) {
    const inodes = new Set(found.flatMap(({ inode }) => inode ?? []));
    this.#holders = depth === 'none' ? undefined : findHolders(inodes, depth);
    this.#searchesAll = depth === 'all';
  }

  complete({ cgroupId, ...found }: FoundSocket): SocketInfo {
    const holders = found.inode === undefined ? [] : this.#holders?.byInode.get(found.inode);
    const info: SocketInfo = {
      ...found,
      processes: holders ?? [],
      unseen: this.#unseen(holders),
    };
    const user = found.uid === undefined ? undefined : this.#users.get(found.uid);
    if (user !== undefined) info.user = user;
    const group = this.#groups.find(cgroupId, holders?.[0]?.pid);
    if (group !== undefined) {
      const unknown = holders === undefined && this.#holders !== undefined;
      info.cgroup = unknown ? this.#groups.withProcesses(group) : group;
    }
    return info;
  }

  #unseen(holders: readonly SocketHolder[] | undefined): Unseen[] {
    if (this.#holders === undefined) return [];
    if (holders === undefined)
      return [this.#lacksRight() ? denied('which process has it') : ELSEWHERE];
    if (holders.length === 0 || !this.#searchesAll || !this.#lacksRight()) return [];
    return [denied('whether others have it, too')];
  }

  /** Whether it is a right that hides processes. With CAP_SYS_PTRACE those of outer user namespaces stay hidden. */
  #lacksRight(): boolean {
    this.#lacking ??= (this.#holders?.denied || hidesProcesses()) && !tracesOthers();
    return this.#lacking;
  }
}

/** The sockets that the filter lets through. */
export function listSockets(filter: SocketFilter): SocketInfo[] {
  const inodes = filter.pid === undefined ? undefined : inodesOf(filter.pid);
  const found = readSocketTables(filter).filter(
    (socket) =>
      matches(filter, socket) &&
      (inodes === undefined || (socket.inode !== undefined && inodes.has(socket.inode))),
  );
  const owners = new Owners(found, filter.processes);
  return found.map((socket) => owners.complete(socket));
}
