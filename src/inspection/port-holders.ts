/** Who has a port that was refused: one error for all that bind exclusively. */
import { EADDRINUSE, isSystemError, type SystemError, systemError } from '../base/errors';
import { visible } from '../base/visible';
import { type BoundAddress, conflicting, isRemainder } from './port-conflicts';
import { KEEPING, type SocketInfo, type SocketProtocol, type SocketQuery } from './socket-info';

/** Where a port was refused. */
export interface WantedAddress extends BoundAddress {
  readonly protocol: Extract<SocketProtocol, 'tcp' | 'udp'>;
}

/** A port could not be bound, because somebody has it. The message says who: `holders` in words. */
export interface PortTakenError extends SystemError {
  code: 'EADDRINUSE';
  /**
   * The sockets that are in the way, and whose they are, as `findSockets` gives them: those that listen or are
   * bound; where there is none, connections. Empty where nobody is seen, and where nothing but what connections
   * that have ended leave (TIME_WAIT) keeps the port.
   */
  holders: readonly SocketInfo[];
}

/** How much of a command line an error message shows. */
const MOST_OF_COMMAND = 120;

/** How many sockets an error message shows, and how many of the ports that were refused. */
const MOST_HOLDERS = 3;
const MOST_PORTS = 5;

/** FreeBSD tells no states. */
function keeps({ protocol, state }: SocketInfo): boolean {
  return protocol === 'udp' || state === undefined || KEEPING.includes(state);
}

/** The sockets that are in the way at the addresses; none where the system does not list them: a sandbox. */
function inTheWay(
  at: readonly WantedAddress[],
  ports: readonly number[],
  queryFor: (protocol: WantedAddress['protocol']) => SocketQuery,
): SocketInfo[] {
  const [port, ...others] = ports;
  // One list of all sockets is had faster than one for each of many ports.
  const narrowed = port !== undefined && others.length === 0 ? { port } : {};
  const wanted = new Set(ports);
  try {
    const found = at.flatMap((one) =>
      conflicting(one, { ...narrowed, protocol: one.protocol, ...queryFor(one.protocol) }),
    );
    return [...new Map(found.map((socket) => [keyOf(socket), socket])).values()].filter(
      ({ local }) => wanted.has(local.port),
    );
  } catch (error) {
    if (error instanceof Error && 'errno' in error) return [];
    throw error;
  }
}

/** A socket is in the way at several of the addresses. */
function keyOf({ cookie, protocol, local, remote, processes: [holder] }: SocketInfo): unknown {
  return cookie ?? JSON.stringify([protocol, local, remote, holder?.pid, holder?.fd]);
}

/** Of the ports those that somebody listens on or has bound at one of the addresses, as far as that is seen. */
export function heldPorts(
  at: readonly WantedAddress[],
  ports: readonly number[],
): ReadonlySet<number> {
  // Without the connections, which take the kernel 100 times as long to list.
  const found = inTheWay(at, ports, (protocol) => (protocol === 'tcp' ? { state: KEEPING } : {}));
  return new Set(found.map(({ local }) => local.port));
}

function named({ processes: [holder], user, uid }: SocketInfo): string {
  if (holder !== undefined) {
    const { pid, name = '', command = name } = holder;
    const shown = visible(
      command.length > MOST_OF_COMMAND ? `${command.slice(0, MOST_OF_COMMAND)}…` : command,
    );
    return shown === '' ? `process ${pid}` : `process ${pid} (${shown})`;
  }
  return uid === undefined ? 'a process' : `a process of user ${user ?? uid}`;
}

function does({ protocol, state }: SocketInfo): string {
  if (protocol === 'udp') return 'has bound UDP';
  if (state === 'LISTEN') return 'listens on';
  return state === 'BOUND' ? 'has bound' : 'has a connection from';
}

/** The address as Node's messages have it. */
function described(socket: SocketInfo): string {
  const { address, port } = socket.local;
  return `${named(socket)} ${does(socket)} ${address}:${port}`;
}

function shortened(texts: readonly string[], most: number, separator: string): string {
  const more = texts.length - most;
  return [...texts.slice(0, most), ...(more > 0 ? [`and ${more} more`] : [])].join(separator);
}

/** Who has the ports, in words; undefined where nobody is seen. */
function describe(holders: readonly SocketInfo[], found: readonly SocketInfo[]) {
  // Connections of one server, and workers that share a socket by SO_REUSEPORT, read alike.
  if (holders.length > 0)
    return shortened([...new Set(holders.map(described))], MOST_HOLDERS, '; ');
  if (found.length === 0) return undefined;
  const wait = Math.max(0, ...found.map(({ expiresIn = 0 }) => expiresIn));
  return `connections that have ended keep it${wait > 0 ? ` for another ${Math.ceil(wait / 1000)} s` : ''}`;
}

/**
 * The error of ports that were refused: EADDRINUSE, with those who have them.
 *
 * @param at the addresses that were to be bound
 * @param ports one port, or all of a list of which none is free
 * @param address the one of them that bind refused; the first by default
 */
export function portsTaken(
  at: readonly [WantedAddress, ...WantedAddress[]],
  ports: readonly number[],
  address = at[0].address,
): PortTakenError {
  const found = inTheWay(at, ports, () => ({ processes: 'likely' }));
  const others = found.filter((socket) => !isRemainder(socket));
  const keeping = others.filter(keeps);
  const holders = keeping.length > 0 ? keeping : others;
  const who = describe(holders, found);
  const [port = 0, ...rest] = ports;
  const several = `none of the ports ${shortened(ports.map(String), MOST_PORTS, ', ')} is free`;
  const explanation = rest.length === 0 ? who : who === undefined ? several : `${several}: ${who}`;
  const error = systemError(EADDRINUSE, 'bind', {
    address,
    ...(rest.length === 0 && { port }),
    ...(explanation !== undefined && { explanation }),
  });
  return Object.assign(error, { code: 'EADDRINUSE', holders } as const);
}

/**
 * The error itself, or when it is a refused bind's EADDRINUSE, that with those who have the port.
 *
 * @param at where a socket was to be bound
 */
export function withHolders(error: unknown, at: WantedAddress, port: number): unknown {
  return isSystemError(error, EADDRINUSE) && port !== 0 ? portsTaken([at], [port]) : error;
}
