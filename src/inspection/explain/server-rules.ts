/** Causes in sockets that listen, receive datagrams, or could. */
import { causeOf, placeOf } from './cause';
import {
  asRoot,
  attemptAt,
  endAdvice,
  nameOf,
  ownerText,
  type PortFacts,
  place,
  processText,
  quoted,
  type Relation,
  relationOf,
  reuseAdvice,
  userText,
} from './facts';
import type { HolderFacts } from './holders';
import { containerCause, systemServiceCause, unknownOwnerCauses } from './owner-rules';
import { succeeded } from './probes';
import type { PortCause, PortCauseCode } from './report';

function unresponsiveCause({ socket, stopped }: HolderFacts): PortCause[] {
  const [process = socket.processes[0]] = stopped;
  if (stopped.length > 0 && process) {
    return [
      causeOf(
        'unresponsive',
        socket,
        process,
        `${processText(process)} is stopped: the system takes its connections, and nobody answers them.`,
        [`\`kill -CONT ${stopped.map(({ pid }) => pid).join(' ')}\` lets it go on.`],
      ),
    ];
  }
  const { state, queue = 0, backlog } = socket;
  if (state !== 'LISTEN' || backlog === undefined || queue <= backlog) return [];
  return [
    causeOf(
      'unresponsive',
      socket,
      process,
      `${queue} connections wait for ${process ? processText(process) : 'it'} to accept them, and no more fit into its queue of ${backlog}.`,
      process ? [`Start ${nameOf(process)} again, or find out what keeps it busy.`] : [],
    ),
  ];
}

/** Whether it lets others share its port, and whom. */
function sharingCause({ socket }: HolderFacts, facts: PortFacts): PortCause[] {
  if (facts.protocol !== 'tcp' || socket.options?.SO_REUSEPORT !== true) return [];
  const { local, v6only } = socket;
  const only = v6only && local.address === '::' ? (['IPV6_V6ONLY'] as const) : [];
  const attempt = attemptAt(facts, local.address, 'SO_REUSEPORT', ...only);
  if (attempt === undefined) return [];
  const [process] = socket.processes;
  if (succeeded(attempt)) {
    return [
      causeOf(
        'reuseport-shared',
        socket,
        process,
        'It has SO_REUSEPORT on: a socket of the same user that sets it, too, gets the port, and the system divides the connections among them.',
        ['Bind with SO_REUSEPORT only to share its connections with it.'],
      ),
    ];
  }
  const user = userText(socket) ?? 'its own user';
  if (socket.uid === facts.system.uid) return [];
  return [
    causeOf(
      'reuseport-user',
      socket,
      process,
      `It has SO_REUSEPORT on, but shares its port with sockets of ${user} alone.`,
      [`Run the program as ${user} to share the port by SO_REUSEPORT.`],
    ),
  ];
}

function inheritedCauses({ socket, heirs }: HolderFacts, facts: PortFacts): PortCause[] {
  return heirs.map((heir) =>
    causeOf(
      'inherited',
      socket,
      heir,
      `${processText(heir)} has the socket from the program that started it, and keeps the port when that one ends.`,
      [
        ...endAdvice([heir], socket, facts),
        'Have the server open its sockets with close-on-exec, or start programs without its descriptors.',
      ],
    ),
  );
}

function mainThreadCause({ socket }: HolderFacts, facts: PortFacts): PortCause[] {
  const process = socket.processes.find(({ tid }) => tid !== undefined);
  if (process === undefined) return [];
  return [
    causeOf(
      'main-thread-ended',
      socket,
      process,
      `The main thread of ${processText(process)} has ended and others go on: ps calls it defunct, and ss and lsof do not find it.`,
      endAdvice([process], socket, facts),
    ),
  ];
}

/** The main thing about a socket that is bound: that it listens, where, or that it does not. */
function stateCause(
  { socket, reservedBy, stopped, leaders }: HolderFacts,
  relation: Relation,
  elsewhereAdvised: boolean,
  facts: PortFacts,
): PortCause {
  const owner = ownerText(socket);
  const at = placeOf(socket);
  const { state, device, local } = socket;
  const [process] = leaders;
  const end = elsewhereAdvised ? [] : endAdvice(leaders, socket, facts, stopped.length > 0);
  const unit = socket.cgroup?.unit;
  if (end.length > 0 && unit?.endsWith('.service') && !/^user@/.test(unit)) {
    end.push(
      `Where ${unit} starts it again: \`${asRoot(`systemctl stop ${quoted(unit)}`, facts)}\`.`,
    );
  }
  const cause = (code: PortCauseCode, message: string, ...advice: string[]) =>
    causeOf(code, socket, process, message, advice);
  if (state === 'BOUND') {
    const reuse = reuseAdvice(facts);
    if (reservedBy) {
      return causeOf(
        'reserved',
        socket,
        reservedBy,
        `${processText(reservedBy)} keeps ${at} with bindport: a reservation, or a socket that it has bound.`,
        [...reuse, ...end],
      );
    }
    return cause(
      'bound',
      `${owner} has bound ${at} and does not listen: a server that is starting, or a port that is kept.`,
      ...reuse,
      ...end,
    );
  }
  const does = state === 'LISTEN' ? 'listens' : 'receives';
  // The zone of a link-local address makes it a socket of one interface, too.
  if (device !== undefined && !local.address.includes('%')) {
    return cause(
      'device',
      `${owner} ${does} on ${at}, but on the interface ${device} alone.`,
      ...deviceAdvice(device, facts),
      ...end,
    );
  }
  if (relation === 'same') return cause('listening', `${owner} ${does} on ${at}.`, ...end);
  const asked = facts.asked.map((address) => place(address, facts.port)).join(' and ');
  const dualStack = local.address === '::' && socket.v6only === false;
  return cause(
    'overlap',
    `${owner} ${does} on ${at}${dualStack ? ', IPv4 included,' : ''} and that overlaps ${asked}.`,
    ...end,
    ...(dualStack && facts.asked.every((address) => !address.includes(':'))
      ? [
          'Or have it set IPV6_V6ONLY (Node: `listen({ ipv6Only: true })`), which leaves IPv4 alone.',
        ]
      : []),
  );
}

function deviceAdvice(device: string, { binds }: PortFacts): string[] {
  const others = binds.filter((attempt) => attempt.device !== undefined && succeeded(attempt));
  const names = [...new Set(others.flatMap((attempt) => attempt.device ?? []))];
  if (names.length === 0) return [];
  return [
    `Bind to another interface than ${device} (SO_BINDTODEVICE): ${names.join(', ')} is free.`,
  ];
}

/** A socket that listens, receives datagrams, or could. */
export function serverCauses(holder: HolderFacts, facts: PortFacts): PortCause[] {
  const relation = relationOf(holder.socket, facts);
  if (relation === 'apart') return [];
  const service = [...containerCause(holder, facts), ...systemServiceCause(holder, facts)];
  return [
    stateCause(holder, relation, service.length > 0, facts),
    ...service,
    ...unknownOwnerCauses(holder, facts),
    ...mainThreadCause(holder, facts),
    ...inheritedCauses(holder, facts),
    ...unresponsiveCause(holder),
    ...sharingCause(holder, facts),
  ];
}

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;

/** Somebody listens, and not where clients may look. */
export function elsewhereCause(listeners: readonly HolderFacts[], facts: PortFacts): PortCause[] {
  const [first] = listeners;
  if (first === undefined) return [];
  const isLocal = ({ socket }: HolderFacts) => LOOPBACK.test(socket.local.address);
  const reached = ({ socket }: HolderFacts) => relationOf(socket, facts) !== 'apart';
  if (facts.host === undefined ? !listeners.every(isLocal) : listeners.some(reached)) return [];
  const places = [...new Set(listeners.map(({ socket }) => placeOf(socket)))].join(' and ');
  const clients =
    facts.host === undefined
      ? 'Other machines do not reach it, and neither do clients that take `localhost` for another loopback address.'
      : `Clients of ${facts.host} do not reach it.`;
  const { socket } = first;
  return [
    causeOf(
      'elsewhere',
      socket,
      socket.processes[0],
      `${ownerText(socket)} is reached at ${places} alone. ${clients}`,
      [`Connect to ${placeOf(socket)}, or have it listen on every address (\`::\`, \`0.0.0.0\`).`],
    ),
  ];
}
