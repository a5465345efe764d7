/** The sockets of a Linux machine: from its tables, with the processes, users and groups that they belong to. */
import { EACCES, ENOENT, ESRCH, systemError } from '../../base/errors';
import {
  type FoundSocket,
  matches,
  type SocketFilter,
  type SocketInfo,
  type Unseen,
} from '../socket-info';
import { ControlGroups } from './cgroups';
import { findHolders, type Holders, socketsOfProcess } from './processes';
import { readSocketTables } from './sock-diag';
import { localUsers } from './users';

/** The sockets of one process, by their inodes. */
function inodesOf(pid: number): ReadonlySet<number> {
  const inodes = socketsOfProcess(pid);
  if (typeof inodes !== 'number') return inodes;
  if (inodes === ENOENT) throw systemError(ESRCH, 'open', { subject: `process ${pid}` });
  throw systemError(inodes, 'open', {
    subject: `/proc/${pid}/fd`,
    ...(inodes === EACCES && { explanation: 'only root may see what others have open' }),
  });
}

const DENIED: Unseen = {
  what: 'processes',
  right: 'root',
  message: 'root sees which process has it',
};

const ELSEWHERE: Unseen = {
  what: 'processes',
  message:
    'no process that is seen here has it: it is on its way from one to another, in another pid namespace, or the kernel’s own',
};

/** What follows from the processes of one listing. */
class Owners {
  readonly #holders: Holders | undefined;
  readonly #groups = new ControlGroups();
  readonly #users = localUsers();

  constructor(found: readonly FoundSocket[], depth: SocketFilter['processes']) {
    const inodes = new Set(found.flatMap(({ inode }) => inode ?? []));
    this.#holders = depth === 'none' ? undefined : findHolders(inodes, depth);
  }

  complete({ cgroupId, ...found }: FoundSocket): SocketInfo {
    const holders = found.inode === undefined ? [] : this.#holders?.byInode.get(found.inode);
    const unseen = holders === undefined && this.#holders !== undefined;
    const info: SocketInfo = {
      ...found,
      processes: holders ?? [],
      unseen: unseen ? [this.#reason()] : [],
    };
    const user = found.uid === undefined ? undefined : this.#users.get(found.uid);
    if (user !== undefined) info.user = user;
    const group = this.#groups.find(cgroupId, holders?.[0]?.pid);
    if (group !== undefined) {
      info.cgroup = unseen ? this.#groups.withProcesses(group) : group;
    }
    return info;
  }

  #reason(): Unseen {
    // With hidepid the processes of others are not even listed.
    return this.#holders?.denied || process.geteuid?.() !== 0 ? DENIED : ELSEWHERE;
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
