import { hasProcSys } from '../base/platform';
import {
  descendantsOf as descendantsOnLinux,
  type Kinship,
  kinshipOf as kinshipOnLinux,
  type Roots,
  withMark as withMarkOnLinux,
} from './linux/kinship';
import { statOf } from './linux/processes';
import { describeProcess } from './native-list';

export type { Kinship, Roots };

/** The environment for a root, so that those who descend from it can be recognised (Linux). */
export function withMark(env: NodeJS.ProcessEnv, mark: string): NodeJS.ProcessEnv {
  return hasProcSys ? withMarkOnLinux(env, mark) : env;
}

/** When a process was started, in milliseconds: comparable with each other, and with nothing else. */
export function startOf(pid: number): number | undefined {
  return hasProcSys ? statOf(pid)?.started : describeProcess(pid).info.startedAt?.getTime();
}

/** Whether a process is one of the roots, or descends from one. */
export function kinshipOf(pid: number, roots: Roots): Kinship {
  if (hasProcSys) return kinshipOnLinux(pid, roots);
  if (roots.running.has(pid)) return 'descendant';
  const { since = Number.NEGATIVE_INFINITY } = roots;
  return (startOf(pid) ?? since) < since ? 'stranger' : 'unknown';
}

/**
 * Those that are alive, as far as the system tells them.
 *
 * @param known those that earlier calls have found, which each call adds to
 */
export function descendantsOf(roots: Roots, known: Map<number, number>): number[] {
  return hasProcSys ? descendantsOnLinux(roots, known) : [...roots.running];
}
