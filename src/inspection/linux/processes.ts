/** Processes as /proc shows them: proc_pid_fd(5), proc_pid_stat(5), proc_pid_cmdline(5). */
import { readdirSync, readlinkSync } from 'node:fs';
import { uptime } from 'node:os';
import { binding } from '../../base/binding';
import { EACCES, EPERM } from '../../base/errors';
import type { ProcessInfo, SocketHolder } from '../socket-info';
import { readProc } from './proc-file';

/** Ticks of USER_HZ, 100 a second on every architecture of Node's. */
const TICK = 10;

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

export function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .map(Number)
      .filter((number) => number > 0);
  } catch {
    return [];
  }
}

export interface ProcessStat {
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Milliseconds after the machine's start. */
  started: number;
}

/** The line in /proc/<pid>/stat. The name in parentheses may hold anything. */
export function parseStat(stat: string): ProcessStat | undefined {
  const [state, ...numbers] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [parent = 0, group = 0, session = 0] = numbers.map(Number);
  const started = Number(numbers[18]);
  if (!state || !Number.isFinite(started)) return undefined;
  return { state, parent, group, session, started: started * TICK };
}

export function statOf(pid: number): ProcessStat | undefined {
  return parseStat(readProc(`/proc/${pid}/stat`) ?? '');
}

/**
 * What /proc shows of a process that still has what it was found with; undefined where it has ended by then. Another
 * process may have got its number in between, but not its start.
 */
export function describeWhile(pid: number, has: () => boolean): ProcessInfo | undefined {
  const started = statOf(pid)?.started;
  if (started === undefined) return undefined;
  const info = describeProcess(pid);
  return has() && statOf(pid)?.started === started ? info : undefined;
}

/** What /proc shows of a process to everybody. */
export function describeProcess(pid: number): ProcessInfo {
  const info: ProcessInfo = { pid };
  const name = readProc(`/proc/${pid}/comm`)?.replace(/\n$/, '');
  if (name !== undefined) info.name = name;
  // Empty for a kernel thread and for one that is ending.
  const command = readProc(`/proc/${pid}/cmdline`)?.replace(/\0+$/, '').replaceAll('\0', ' ');
  if (command) info.command = command;
  const stat = statOf(pid);
  if (stat) info.startedAt = new Date(Math.round(Date.now() - (uptime() * 1000 - stat.started)));
  return info;
}

/** Every descriptor: more than a process can have. */
const ALL = 0x7fffffff;

/** How many descriptors are looked at before those of other processes: a server's listener is a low one. */
const LOWEST = 256;

/** The inode numbers of the sockets of one process; libuv's error number if they can't be read. */
export function socketsOfProcess(pid: number): Set<number> | number {
  const any = new Uint32Array(0);
  const held = binding.heldSockets(pid, any, ALL, 0);
  const threads = typeof held === 'number' || held.length === 0 ? otherThreads(pid) : [];
  if (typeof held === 'number' && threads.length === 0) return held;
  const lists = [held, ...threads.map((tid) => binding.heldSockets(tid, any, ALL, 0))];
  return new Set(
    lists.flatMap((list) => (typeof list === 'number' ? [] : list.filter((_, i) => i % 2 === 0))),
  );
}

/** The threads of a process whose main thread has ended: state Z, and its descriptors are seen through them. */
function otherThreads(pid: number): number[] {
  if (statOf(pid)?.state !== 'Z') return [];
  return numbersIn(`/proc/${pid}/task`).filter((tid) => tid !== pid);
}

function hasSocket(pid: number, fd: number, inode: number): boolean {
  const target = link(`/proc/${pid}/fd/${fd}`);
  if (target !== undefined) return target === `socket:[${inode}]`;
  // With CAP_SYS_PTRACE alone the folder is closed, and fdinfo is not.
  const held = binding.heldSockets(pid, Uint32Array.of(inode), ALL, 0);
  return typeof held !== 'number' && held.some((number, i) => i % 2 === 1 && number === fd);
}

/** Who has which socket. */
export interface Holders {
  byInode: ReadonlyMap<number, SocketHolder[]>;
  /** Whether there are processes whose descriptors this user may not see. */
  denied: boolean;
}

interface LookOptions {
  /** A thread through which to look instead. */
  tid?: number;
  /** How many descriptors to look at, the lowest first. */
  most?: number;
  /** Whether a socket that is found is not looked for any more. */
  first?: boolean;
}

/** Looks through processes for the descriptors of sockets. */
class Search {
  readonly byInode = new Map<number, SocketHolder[]>();
  denied = false;
  #wanted: Uint32Array;
  readonly #described = new Map<number, ProcessInfo>();

  constructor(inodes: Iterable<number>) {
    this.#wanted = Uint32Array.from(inodes).sort();
  }

  /** Whether nothing is left to look for. */
  get done(): boolean {
    return this.#wanted.length === 0;
  }

  /** From now on looks only for sockets that have not been found yet. */
  narrow(): void {
    this.#wanted = this.#wanted.filter((inode) => !this.byInode.has(inode));
  }

  look(pid: number, { tid, most = ALL, first = false }: LookOptions = {}): void {
    const held = binding.heldSockets(tid ?? pid, this.#wanted, most, first ? 1 : 0);
    if (typeof held === 'number') {
      // EPERM with hidepid=1 (proc(5)).
      this.denied ||= held === EACCES || held === EPERM;
      return;
    }
    for (let i = 0; i + 1 < held.length; i += 2) this.#add(pid, tid, held[i], held[i + 1]);
    if (first && held.length > 0) this.narrow();
  }

  /** Looks whether a process has a socket at the very number that another one has it at. */
  lookAtNumbers(pid: number): void {
    for (const [inode, holders] of this.byInode) {
      const numbers = new Set(holders.map(({ fd }) => fd ?? 0).filter((fd) => fd >= LOWEST));
      if (holders.some((holder) => holder.pid === pid)) continue;
      for (const fd of numbers) {
        if (link(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`) {
          this.#add(pid, undefined, inode, fd);
        }
      }
    }
  }

  #add(pid: number, tid: number | undefined, inode = 0, fd = 0): void {
    const has = () => hasSocket(tid ?? pid, fd, inode);
    const info = this.#described.get(pid) ?? describeWhile(pid, has);
    // It has closed the descriptor since, or has ended, and its number is perhaps another process'.
    if (info === undefined) return;
    this.#described.set(pid, info);
    const holders = this.byInode.get(inode) ?? [];
    this.byInode.set(inode, holders);
    holders.push({ ...info, fd, ...(tid !== undefined && { tid }) });
  }
}

/**
 * The processes that have one of the sockets as a descriptor.
 *
 * @param inodes the sockets' inode numbers
 * @param depth `'first'` ends when each socket has been found once; `'likely'` also finds who shares them as
 *   children do; `'all'` finds everybody
 */
export function findHolders(inodes: Iterable<number>, depth: 'first' | 'likely' | 'all'): Holders {
  const search = new Search(inodes);
  if (search.done) return search;
  const pids = numbersIn('/proc');
  const each = (look: (pid: number) => void) => {
    for (const pid of pids) {
      if (search.done) return;
      look(pid);
    }
  };
  const first = depth === 'first';
  if (depth !== 'all') each((pid) => search.look(pid, { most: LOWEST, first }));
  search.narrow();
  each((pid) => search.look(pid, { first: depth !== 'all' }));
  search.narrow();
  each((pid) => {
    for (const tid of otherThreads(pid)) search.look(pid, { tid, first });
  });
  if (depth === 'likely') for (const pid of pids) search.lookAtNumbers(pid);
  return search;
}
