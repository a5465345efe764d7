/** What /proc tells of how processes use a socket: proc(5). Nothing is told of a process that may not be read. */
import { readdirSync, readlinkSync } from 'node:fs';
import type { ProcessInfo } from '../socket-info';
import { readProc } from './proc-file';
import { describeWhile, numbersIn, statOf } from './processes';

function read(path: string): string {
  return readProc(path, 'latin1') ?? '';
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

export interface ProcessState {
  /** Whether it is stopped, by a signal or a debugger. */
  stopped: boolean;
  /** Milliseconds after the machine's start. */
  started: number;
  parent: number;
}

export function processState(pid: number): ProcessState | undefined {
  const stat = statOf(pid);
  if (stat === undefined) return undefined;
  const { state, started, parent } = stat;
  return { stopped: state === 'T' || state === 't', started, parent };
}

/** The path of a process' program, or its short name where the path can't be read. */
export function programOf(pid: number): string {
  return link(`/proc/${pid}/exe`) || read(`/proc/${pid}/comm`).trim();
}

const O_CLOEXEC = 0o2000000;

/** Whether a program that the process executes would have the descriptor, too. */
export function isInheritable(pid: number, fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)/m.exec(read(`/proc/${pid}/fdinfo/${fd}`))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
}

/** Where threads wait that have no socket in mind: kernel/time/hrtimer.c, kernel/exit.c, kernel/signal.c. */
const ELSEWHERE =
  /^(?:hrtimer_nanosleep|do_nanosleep|do_wait|do_sigtimedwait|sys_pause|__do_sys_pause)$/;

/** Whether every thread of the process sleeps, or waits for a child or a signal: none for a socket. */
export function waitsForNoSocket(pid: number): boolean {
  const threads = numbersIn(`/proc/${pid}/task`);
  return (
    threads.length > 0 &&
    threads.every((tid) => ELSEWHERE.test(read(`/proc/${pid}/task/${tid}/wchan`)))
  );
}

/** Whether the process has loaded this package's addon. */
export function hasLoadedBindport(pid: number): boolean {
  return /\/bindport(?:\.\w+)?\.node$/m.test(read(`/proc/${pid}/maps`));
}

function descriptorsIn(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

function waitsToBeReceived(pid: number, fd: string): boolean {
  return (
    link(`/proc/${pid}/fd/${fd}`).startsWith('socket:') &&
    /^scm_fds:\s*[1-9]/m.test(read(`/proc/${pid}/fdinfo/${fd}`))
  );
}

/**
 * The processes that have a Unix domain socket with descriptors in its queue which nobody has received:
 * SCM_RIGHTS of unix(7). `scm_fds` counts them since Linux 5.5 (net/unix/af_unix.c, unix_show_fdinfo).
 */
export function processesToReceive(): ProcessInfo[] {
  return numbersIn('/proc').flatMap((pid) => {
    const fd = descriptorsIn(pid).find((fd) => waitsToBeReceived(pid, fd));
    if (fd === undefined) return [];
    return describeWhile(pid, () => waitsToBeReceived(pid, fd)) ?? [];
  });
}
