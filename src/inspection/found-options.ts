/** The options of sockets that were found: each is read through a process that has it. */
import { ENOSYS, ENOTSUP, EPERM } from '../base/errors';
import { inspectHeld } from './inspect-socket';
import { lackedRight } from './lacked-right';
import type { SocketHolder, SocketInfo, Unseen } from './socket-info';
import type { SocketReport } from './socket-report';

/** Why the options of a socket could not be read, by libuv's error number. */
export function unseenOptions(error: number): Unseen {
  if (error === ENOTSUP) {
    return { what: 'options', message: 'this system does not tell the options of others' };
  }
  if (error === ENOSYS) {
    return { what: 'options', message: 'pidfd_getfd(2), which shows options, is of Linux 5.6' };
  }
  if (error !== EPERM) {
    return { what: 'options', message: 'its process was gone before its options could be read' };
  }
  const right = lackedRight();
  return {
    what: 'options',
    right,
    message:
      right === 'CAP_SYS_PTRACE'
        ? 'reading the options of its process needs CAP_SYS_PTRACE (ptrace(2), PTRACE_MODE_ATTACH_REALCREDS)'
        : 'root sees its options (ptrace(2), PTRACE_MODE_ATTACH_REALCREDS)',
  };
}

const UNREACHED: Unseen = {
  what: 'options',
  message: 'options are read through a process, and none is seen that has it',
};

/** The report of the first process that lets it be read; else libuv's error number, EPERM before all others. */
function read(cookie: bigint | undefined, holders: readonly SocketHolder[]): SocketReport | number {
  let error = ENOTSUP;
  for (const { pid, tid, fd } of holders) {
    if (fd === undefined) continue;
    const target = { pid: tid ?? pid, fd, ...(cookie !== undefined && { cookie }) };
    const report = inspectHeld(target);
    if (typeof report !== 'number') return report;
    if (error !== EPERM) error = report;
  }
  return error;
}

/**
 * The socket with its options, or with the reason why there are none. Nobody has a descriptor of a socket in
 * TIME_WAIT: it has no options to be seen.
 */
export function withOptions(socket: SocketInfo): SocketInfo {
  const { processes, unseen, cookie } = socket;
  if (processes.length === 0) {
    const options = unseen.map(({ right }) => (right ? unseenOptions(EPERM) : UNREACHED));
    return { ...socket, unseen: [...unseen, ...options] };
  }
  const report = read(cookie, processes);
  if (typeof report === 'number') return { ...socket, unseen: [...unseen, unseenOptions(report)] };
  const { options, changed } = report;
  return { ...socket, options, ...(changed !== undefined && { changed }) };
}
