import { isWildcard } from '../base/addresses';
import { binding, type NativeInspection, type SocketKind } from '../base/binding';
import { constants } from '../base/constants';
import {
  EBADF,
  ENOSYS,
  ENOTSUP,
  EPERM,
  ESRCH,
  ESTALE,
  invalidArgType,
  outOfRange,
  systemError,
} from '../base/errors';
import { integer, processId } from '../base/validate';
import { describeSocket } from '../socket/descriptor';
import { toSocketAddress } from '../socket/socket-address';
import { SocketHandle } from '../socket/socket-handle';
import { type SocketTarget, withDescriptor } from '../socket/target';
import { changesIn } from './option-defaults';
import { keyOf, type OptionPlan, planFor } from './option-plan';
import { decodeAll, differingFrom, type OptionValueMap, selectionFor } from './option-values';
import { InspectedSocket, type SocketReport } from './socket-report';
import { stateOf } from './socket-state';

/** A socket of another process, on Linux and macOS. */
export interface ProcessSocket {
  pid: number;
  /** The number of its descriptor in that process. */
  fd: number;
  /** `cookie` of the SocketInfo that the numbers are from: no other socket is then taken for it. Linux. */
  cookie?: bigint;
}

const MAX_DESCRIPTOR = 0x7fffffff;

const REASONS = new Map([
  [
    EPERM,
    'needs root or CAP_SYS_PTRACE, or the same user and group and a process that may be traced (ptrace(2), "Ptrace access mode checking")',
  ],
  [ESRCH, 'there is no such process'],
  [EBADF, 'the process has no such descriptor'],
  [ESTALE, 'the descriptor is another socket by now'],
  [ENOTSUP, 'this system shows no options of other processes'],
  [ENOSYS, 'pidfd_getfd(2) is of Linux 5.6'],
]);

/** Linux tells of a listener's queue in two fields of struct tcp_info: net/ipv4/tcp.c, tcp_get_info. */
function setQueue(report: InspectedSocket, tcp: OptionValueMap['TCP_INFO']): void {
  const { unacked, sacked } = tcp ?? {};
  if (typeof unacked !== 'number' || typeof sacked !== 'number') return;
  report.queue = unacked;
  report.backlog = sacked;
}

/** What the native call has left in the plan. */
function reportOf(
  fd: number,
  pid: number | undefined,
  plan: OptionPlan,
  native: NativeInspection,
): SocketReport {
  const { family, type, protocol, local, remote, unread, unsent } = native;
  const selection = selectionFor(plan, native);
  const differing = differingFrom(selection, plan);
  const options = decodeAll(selection, plan, differing);
  const { SO_ACCEPTCONN: listening = false, TCP_INFO: tcp, SO_BUF_LOCK: bufferLock } = options;
  const changes = changesIn(selection, differing, {
    listening,
    connected: remote !== undefined,
    stream: type === constants.SOCK_STREAM,
    specific: local !== undefined && !isWildcard(local.address),
    bufferLock,
  });
  const state = stateOf(native, listening, tcp?.state);
  const report = new InspectedSocket(fd, family, type, protocol, state, listening, options);
  if (pid !== undefined) report.pid = pid;
  if (local !== undefined) report.local = toSocketAddress(local);
  if (remote !== undefined) report.remote = toSocketAddress(remote);
  if (listening) setQueue(report, tcp);
  if (unread !== undefined) report.unread = unread;
  if (unsent !== undefined) report.unsent = unsent;
  if (changes !== undefined) {
    report.changed = changes.changed;
    report.defaults = changes.defaults;
  }
  return report;
}

/**
 * Asks only for the options that sockets of this kind can have. `known`: the kind that the descriptor had when
 * it was opened.
 */
function inspectDescriptor(fd: number, known?: SocketKind): SocketReport {
  const kind = known ?? describeSocket(fd);
  const plan = planFor(kind);
  const native = binding.inspect(fd, plan.calls, plan.results, plan.values);
  if (typeof native === 'number') throw systemError(native, 'getsockopt');
  // Somebody else closed the descriptor, and the number is another socket's by now.
  if (keyOf(native) !== keyOf(kind)) return inspectDescriptor(fd, native);
  return reportOf(fd, undefined, plan, native);
}

/**
 * The report, or libuv's error number. A descriptor of this process takes no right: some sandboxes refuse
 * pidfd_getfd(2) to everybody.
 *
 * @internal
 */
export function inspectHeld({ pid, fd, cookie = 0n }: ProcessSocket): SocketReport | number {
  const plan = planFor();
  const { calls, results, values } = plan;
  const own = pid === process.pid;
  const native = own
    ? binding.inspect(fd, calls, results, values)
    : binding.inspectOf(pid, fd, cookie, calls, results, values);
  if (typeof native === 'number') return native;
  const report = reportOf(fd, pid, plan, native);
  if (own && cookie !== 0n && report.options.SO_COOKIE !== cookie) return ESTALE;
  return report;
}

function inspectOther(target: ProcessSocket): SocketReport {
  const report = inspectHeld(target);
  if (typeof report !== 'number') return report;
  const explanation = REASONS.get(report);
  throw systemError(report, 'inspectSocket', {
    subject: `descriptor ${target.fd} of process ${target.pid}`,
    ...(explanation !== undefined && { explanation }),
  });
}

function isProcessSocket(target: object): target is ProcessSocket {
  return 'pid' in target && 'fd' in target;
}

function checkProcessSocket({ pid, fd, cookie }: ProcessSocket): void {
  processId('target.pid', pid);
  integer('target.fd', fd, 0, MAX_DESCRIPTOR);
  if (cookie === undefined) return;
  if (typeof cookie !== 'bigint') throw invalidArgType('target.cookie', 'of type bigint', cookie);
  if (cookie < 0n || cookie >= 2n ** 64n) {
    throw outOfRange('target.cookie', '>= 0n && < 2n ** 64n', cookie);
  }
}

/**
 * Reads all that a socket tells of itself at once: its addresses, its state, its queues, and every
 * option that it has. Nothing is disturbed: options whose reading clears an error, opens a descriptor, takes
 * data or tells a secret are left out (docs/inspecting.md).
 *
 * Another process's socket is duplicated, read, and closed again within the call (Linux: pidfd_getfd(2), with
 * the right to trace the process; macOS: proc_pidfdinfo, which knows SOL_SOCKET's booleans).
 *
 * @param target whatever has a socket, or `{ pid, fd }` for one of another process; with `cookie` (Linux)
 *   only if it still is that socket
 * @returns the report; console.log prints it without the unchanged options, which are in `options`
 * @throws TypeError or RangeError for what is no such target
 * @throws Error `ERR_NO_DESCRIPTOR` for an object without an open socket
 * @throws SystemError with `syscall` `'getsockopt'`: EBADF for a closed descriptor, ENOTSOCK for another
 *   file; of another process `'inspectSocket'`: EPERM without the right, ESRCH, EBADF, ENOTSOCK, ESTALE for
 *   another cookie, ENOTSUP on Windows and FreeBSD, ENOSYS before Linux 5.6
 */
export function inspectSocket(target: SocketTarget | ProcessSocket): SocketReport {
  if (target instanceof SocketHandle) return inspectDescriptor(target.fd, target);
  if (typeof target !== 'object' || target === null || !isProcessSocket(target)) {
    return withDescriptor(target, (fd) => inspectDescriptor(fd));
  }
  checkProcessSocket(target);
  return inspectOther(target);
}
