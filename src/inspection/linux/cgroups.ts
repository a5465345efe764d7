/** Control groups of version 2: cgroups(7). A group's number is the inode of its folder. */
import { readdirSync, statSync } from 'node:fs';
import type { ControlGroup, ProcessInfo } from '../socket-info';
import { readProc } from './proc-file';
import { describeProcess } from './processes';

/** Where the file system of version 2 is mounted: /sys/fs/cgroup, or beside version 1 a folder of it. */
export function parseMounts(mounts: string): string | undefined {
  for (const line of mounts.split('\n')) {
    const [, folder, type] = line.split(' ');
    // Spaces and the like are octal (proc_pid_mounts(5)).
    if (type === 'cgroup2' && folder !== undefined) {
      return folder.replace(/\\([0-7]{3})/g, (_, digits) =>
        String.fromCharCode(Number.parseInt(digits, 8)),
      );
    }
  }
  return undefined;
}

/** The path of a process' group, from /proc/<pid>/cgroup. */
export function parseCgroup(text: string): string | undefined {
  return /^0::(.+)$/m.exec(text)?.[1];
}

/**
 * A unit's name has no other characters (systemd.unit(5)): whoever is given a group makes groups of any name within
 * it, and advice has the name in a command.
 */
const UNIT = /^[\w:.\\@-]+\.(?:service|scope|socket|mount|swap)$/;

/** A group and what its path tells: systemd's units end in their kind, containers' ids are 64 hexadecimal digits. */
export function describe(path: string): ControlGroup {
  const parts = path.split('/');
  const unit = parts.findLast((part) => UNIT.test(part));
  const container = parts
    .map((part) => /(?:^|[-:])([0-9a-f]{64})(?:\.scope)?$/.exec(part)?.[1])
    .findLast((id) => id !== undefined);
  return {
    path,
    ...(unit !== undefined && { unit }),
    ...(container !== undefined && { container }),
  };
}

function inodeOf(folder: string): bigint | undefined {
  return statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** The folder below `folder` with that inode. */
function search(folder: string, id: bigint): string | undefined {
  let entries: string[];
  try {
    entries = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${folder}/${entry.name}`);
  } catch {
    return undefined;
  }
  return (
    entries.find((entry) => inodeOf(entry) === id) ??
    entries.map((entry) => search(entry, id)).find((found) => found !== undefined)
  );
}

/** Finds control groups, each once. One for each listing, since groups come and go. */
export class ControlGroups {
  readonly #mount = parseMounts(readProc('/proc/self/mounts') ?? '');
  readonly #byId = new Map<bigint, ControlGroup | undefined>();
  readonly #byProcess = new Map<number, ControlGroup | undefined>();
  readonly #members = new Map<string, ProcessInfo[]>();

  /**
   * A socket's group.
   *
   * @param id the group's number, where the kernel tells it
   * @param pid a process that has the socket: its group is the first to be looked at, or the only one
   */
  find(id: bigint | undefined, pid: number | undefined): ControlGroup | undefined {
    if (id === undefined) return pid === undefined ? undefined : this.#ofProcess(pid);
    if (!this.#byId.has(id)) this.#byId.set(id, this.#search(id, pid));
    return this.#byId.get(id);
  }

  /** The group with its processes, which everybody may read. The root group's say nothing. */
  withProcesses(group: ControlGroup): ControlGroup {
    if (group.path === '/') return group;
    const known = this.#members.get(group.path);
    const processes = known ?? this.#processes(group.path).map(describeProcess);
    this.#members.set(group.path, processes);
    return processes.length === 0 ? group : { ...group, processes };
  }

  #search(id: bigint, pid: number | undefined): ControlGroup | undefined {
    const mount = this.#mount;
    if (mount === undefined) return undefined;
    if (inodeOf(mount) === id) return { path: '/' };
    const likely = pid === undefined ? undefined : this.#ofProcess(pid);
    if (likely !== undefined && inodeOf(mount + likely.path) === id) return likely;
    const folder = search(mount, id);
    return folder === undefined ? undefined : describe(folder.slice(mount.length));
  }

  #ofProcess(pid: number): ControlGroup | undefined {
    if (!this.#byProcess.has(pid)) {
      const path = parseCgroup(readProc(`/proc/${pid}/cgroup`) ?? '');
      this.#byProcess.set(pid, path === undefined ? undefined : describe(path));
    }
    return this.#byProcess.get(pid);
  }

  #processes(path: string): number[] {
    return (readProc(`${this.#mount}${path}/cgroup.procs`) ?? '')
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
  }
}
