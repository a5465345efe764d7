/** Which sockets keep a TCP port from an exclusive bind: others', or only what ended connections leave behind. */
import { canonicalAddress, covers, ipVersion, WILDCARDv6 } from '../base/addresses';
import { hasSockDiag, listsBoundSockets } from '../base/platform';
import type { SocketHandle } from '../socket/socket-handle';
import { findSocketsSync } from './find-sockets';
import { KEEPING, type SocketInfo, type SocketQuery, type SocketState } from './socket-info';

/** An address that a socket is, or is to be, bound to. */
export interface BoundAddress {
  readonly address: string;
  /** IPV6_V6ONLY. */
  readonly v6only?: boolean | undefined;
}

/** Whether who is bound to the one gets what is sent to the other. */
export function reaches(outer: BoundAddress, inner: BoundAddress): boolean {
  const ipv6Alone = outer.v6only === true && outer.address === WILDCARDv6;
  return covers(outer.address, inner.address) && !(ipv6Alone && ipVersion(inner.address) === 4);
}

/** Whether one port can't be bound exclusively on both (inet_rcv_saddr_equal). */
function conflicts(a: BoundAddress, b: BoundAddress): boolean {
  return reaches(a, b) || reaches(b, a);
}

/** States in which a connection has no process any more, if it has no descriptor: close(2) came before. */
const CLOSED_BY_US: ReadonlySet<SocketState | undefined> = new Set<SocketState>([
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSING',
  'LAST_ACK',
]);

/** Whether the kernel alone still has the connection: it ends by itself, and nobody can use it. */
export function isRemainder({ state, inode }: SocketInfo): boolean {
  return state === 'TIME_WAIT' || (inode === undefined && CLOSED_BY_US.has(state));
}

/** The sockets, by default of TCP, that keep the port from an exclusive bind to the address. */
export function conflicting(at: BoundAddress, query: SocketQuery): SocketInfo[] {
  const ours = { address: canonicalAddress(at.address), v6only: at.v6only };
  return findSocketsSync({ protocol: 'tcp', processes: 'none', ...query }).filter(
    ({ local, v6only }) => conflicts(ours, { address: canonicalAddress(local.address), v6only }),
  );
}

/**
 * Whether somebody has the TCP port, or only what ended connections leave behind: TIME_WAIT, and what waits for
 * the peer after close(2). Undefined where the system can't say, since it does not show every socket.
 *
 * @param ours a socket that is bound there, and counts as nobody
 */
export function isHeldByOthers(
  at: BoundAddress,
  port: number,
  ours?: SocketHandle,
): boolean | undefined {
  if (!hasSockDiag || !listsBoundSockets) return undefined;
  const own = ours?.getOption('SO_COOKIE');
  // The connections last: to list them the kernel walks all it has, 100 times as long.
  const open = conflicting(at, { port, state: KEEPING });
  if (open.some(({ cookie }) => cookie !== own)) return true;
  const all = conflicting(at, { port });
  // Only sock_diag tells cookies, and shows sockets that are bound: where it is refused, /proc/net does not.
  if (all.some(({ cookie }) => cookie === undefined)) return undefined;
  if (own !== undefined && !all.some(({ cookie }) => cookie === own)) return undefined;
  return all.some((socket) => socket.cookie !== own && !isRemainder(socket));
}

/** Whether somebody listens on the TCP port where connections to the address arrive. */
export function isListenedOn(address: string, port: number): boolean {
  return conflicting({ address }, { port, state: 'LISTEN' }).length > 0;
}
