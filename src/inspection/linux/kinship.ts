/** Which processes descend from others: proc_pid_stat(5), proc_pid_environ(5). */
import { readProc } from './proc-file';
import { numbersIn, statOf } from './processes';

/** Zombie, dead: proc_pid_stat(5). */
const ENDED: ReadonlySet<string> = new Set(['Z', 'X']);

/** Processes that others descend from. */
export interface Roots {
  /** Those that run. */
  readonly running: ReadonlySet<number>;
  /** What their descendants inherit in their environment (Linux). */
  readonly mark?: string;
  /** When the first of them was started, as `startOf` tells it; nobody who is older descends from them. */
  readonly since?: number | undefined;
}

/** `'unknown'`: not a root itself, and the system does not tell more. */
export type Kinship = 'descendant' | 'stranger' | 'unknown';

/** The variable that descendants inherit: the marks of all roots that they descend from, with colons between. */
const MARKS = 'BINDPORT_PROGRAM';

export function withMark(env: NodeJS.ProcessEnv, mark: string): NodeJS.ProcessEnv {
  const inherited = env[MARKS];
  return { ...env, [MARKS]: inherited ? `${inherited}:${mark}` : mark };
}

/** Whether a process inherited the mark; undefined where its environment can't be read any more. */
function isMarked(pid: number, mark: string): boolean | undefined {
  const variables = readProc(`/proc/${pid}/environ`)?.replace(/\0$/, '').split('\0') ?? [''];
  const marks = variables.find((variable) => variable.startsWith(`${MARKS}=`));
  if (
    marks
      ?.slice(MARKS.length + 1)
      .split(':')
      .includes(mark)
  )
    return true;
  // Programs that change their title write over it: nginx, redis, postgres.
  return variables.every((variable) => variable.indexOf('=') > 0) ? false : undefined;
}

/**
 * Looks at the process and those that it descends from, as far as they are no older than the first root. A
 * daemon has lost its parents, but for the mark; a program that clears its environment has not lost its parents.
 */
export function kinshipOf(pid: number, { running, mark, since = 0 }: Roots): Kinship {
  let kinship: Kinship = 'stranger';
  for (let at = pid; at > 0; ) {
    if (running.has(at)) return 'descendant';
    if (at === process.pid) break;
    const stat = statOf(at);
    if (stat === undefined) return 'unknown';
    if (stat.started < since) break;
    // A group or session of a root's own: that which it shares with this process has another number.
    if (running.has(stat.group) || running.has(stat.session)) return 'descendant';
    const marked = mark === undefined ? false : isMarked(at, mark);
    if (marked) return 'descendant';
    if (at === pid && marked === undefined) kinship = 'unknown';
    at = stat.parent;
  }
  return kinship;
}

/**
 * Those that are alive, the roots included.
 *
 * @param known those found before, by process id: when they were started. One that is ending has lost its
 *   environment, and with it the mark, before it has ended.
 */
export function descendantsOf(roots: Roots, known: Map<number, number>): number[] {
  return numbersIn('/proc').filter((pid) => {
    const stat = statOf(pid);
    if (pid === process.pid || stat === undefined || ENDED.has(stat.state)) return false;
    if (known.get(pid) === stat.started) return true;
    if (kinshipOf(pid, roots) !== 'descendant') return false;
    known.set(pid, stat.started);
    return true;
  });
}
