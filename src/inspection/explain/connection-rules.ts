/** Causes in connections that have the port and no listener beside them. */
import type { SocketHolder, SocketInfo } from '../socket-info';
import { causeOf, placeOf } from './cause';
import {
  asRoot,
  endAdvice,
  isRefused,
  ownerText,
  type PortFacts,
  place,
  processText,
  relationOf,
  reuseAdvice,
  seconds,
} from './facts';
import type { HolderFacts } from './holders';
import { unknownOwnerCauses } from './owner-rules';
import type { PortCause } from './report';

type ConnectionKind = 'time-wait' | 'connected' | 'orphaned' | 'ephemeral';

function kindOf({ socket, client }: HolderFacts, { system }: PortFacts): ConnectionKind {
  if (socket.state === 'TIME_WAIT') return 'time-wait';
  if (socket.inode === undefined && socket.processes.length === 0 && socket.unseen.length === 0) {
    return 'orphaned';
  }
  if (client) return 'ephemeral';
  const { ephemeral } = system;
  const within = (port: number | undefined) =>
    ephemeral !== undefined &&
    port !== undefined &&
    port >= ephemeral.low &&
    port <= ephemeral.high;
  // Clients' ports are of the range, and servers' as a rule are not.
  return within(socket.local.port) && !within(socket.remote?.port) ? 'ephemeral' : 'connected';
}

function ephemeralAdvice(facts: PortFacts): string[] {
  const { ephemeral, reserved } = facts.system;
  if (ephemeral === undefined) return [];
  const { low, high } = ephemeral;
  const { port } = facts;
  const advice = [
    `For servers take ports outside of ${low} to ${high}, from which clients get theirs.`,
  ];
  if (port < low || port > high) return advice;
  const kept = [
    ...reserved.map((interval) =>
      interval.low === interval.high ? `${interval.low}` : `${interval.low}-${interval.high}`,
    ),
    `${port}`,
  ].join(',');
  const command = asRoot(`sysctl -w net.ipv4.ip_local_reserved_ports=${kept}`, facts);
  return [...advice, `\`${command}\` keeps clients off this port from now on.`];
}

/** Whoever closes a connection first keeps its port for a minute. */
function endConnections(
  process: SocketHolder | undefined,
  socket: SocketInfo,
  facts: PortFacts,
): string[] {
  if (process === undefined) return [];
  const rest = 'The port may then rest for a minute (TIME_WAIT).';
  return endAdvice([process], socket, facts).map((end) =>
    facts.protocol === 'tcp' ? `${end} ${rest}` : end,
  );
}

/** The connections of one kind that one process has, or processes of one user that are not seen, as one cause. */
function connectionCause(
  kind: ConnectionKind,
  holders: readonly [HolderFacts, ...HolderFacts[]],
  facts: PortFacts,
): PortCause {
  const [{ socket }] = holders;
  const [process] = socket.processes;
  const count = holders.length === 1 ? 'A connection' : `${holders.length} connections`;
  const at = placeOf(socket);
  const expiresIn = Math.max(
    ...holders.map((one) => one.socket.expiresIn ?? one.socket.timer?.expires ?? 0),
  );
  const timed = (cause: PortCause) => (expiresIn > 0 ? { ...cause, expiresIn } : cause);
  const reuse = reuseAdvice(facts);
  const wait =
    expiresIn > 0 ? [`Wait ${seconds(expiresIn)}: then the port is free by itself.`] : [];
  switch (kind) {
    case 'time-wait':
      return timed(
        causeOf(
          kind,
          socket,
          undefined,
          `${count} of ${at} was closed from this side, and the port rests for ${seconds(expiresIn)} more (TIME_WAIT).${
            reuse.length > 0 ? '' : ' It had SO_REUSEADDR off, so that option does not help.'
          }`,
          [...reuse, ...wait],
        ),
      );
    case 'orphaned':
      return timed(
        causeOf(
          kind,
          socket,
          undefined,
          `${count} of ${at} was closed here and not at the other end (${socket.state}). No process has it, so there is none to end.`,
          [...reuse, ...wait, 'End the program at the other end of the connection.'],
        ),
      );
    case 'ephemeral': {
      const { remote } = socket;
      const to = remote ? place(remote.address, remote.port) : 'elsewhere';
      const connections = holders.length === 1 ? `a connection to ${to}` : count;
      return causeOf(
        kind,
        socket,
        process,
        `${ownerText(socket)} has ${connections} from ${at}: the system gave it this port.`,
        [...reuse, ...ephemeralAdvice(facts), ...endConnections(process, socket, facts)],
      );
    }
    case 'connected':
      return causeOf(
        kind,
        socket,
        process,
        `${count} of ${at} ${holders.length === 1 ? 'is' : 'are'} left at ${process ? processText(process) : 'a process'}, and nobody listens any more.`,
        [...reuse, ...endConnections(process, socket, facts)],
      );
  }
}

/** Connections keep a port only where a bind is refused. */
export function connectionCauses(holders: readonly HolderFacts[], facts: PortFacts): PortCause[] {
  if (!isRefused(facts)) return [];
  const groups = new Map<string, [HolderFacts, ...HolderFacts[]]>();
  const kinds = new Map<string, ConnectionKind>();
  for (const holder of holders) {
    if (relationOf(holder.socket, facts) === 'apart') continue;
    const kind = kindOf(holder, facts);
    const { processes, uid } = holder.socket;
    // The kernel gives one port to several programs that connect to different places.
    const key = `${kind} ${processes[0]?.pid ?? `of user ${uid}`}`;
    kinds.set(key, kind);
    const group = groups.get(key);
    if (group) group.push(holder);
    else groups.set(key, [holder]);
  }
  return [...groups].flatMap(([key, group]) => [
    connectionCause(kinds.get(key) ?? 'connected', group, facts),
    ...unknownOwnerCauses(group[0], facts),
  ]);
}
