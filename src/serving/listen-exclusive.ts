import type { AddressInfo, Server } from 'node:net';
import { isIpv6, resolveHost, WILDCARD } from '../base/addresses';
import { constants } from '../base/constants';
import { EADDRNOTAVAIL, EAFNOSUPPORT, isSystemError } from '../base/errors';
import {
  boolean,
  backlog as checkBacklog,
  port as checkPort,
  object,
  text,
} from '../base/validate';
import { withHolders } from '../inspection/port-holders';
import { setIpv6Only } from '../socket/bind';
import { SocketHandle } from '../socket/socket-handle';
import { adopt, refuseListening } from './adopt';
import { bindExclusively, conflictAddress } from './bind-exclusively';

export interface ListenExclusiveOptions {
  /** 0 to 65535; 0, the default, for an ephemeral port of the kernel's choice. */
  port?: number;
  /**
   * A numeric address, `'localhost'` for 127.0.0.1, or `''`, the default, for all addresses: `::`
   * where the machine has IPv6, else `0.0.0.0` (as Node's `server.listen`).
   */
  host?: string;
  /** How many connections may wait to be accepted, 0 to 2^31 - 1; 511 by default (Node's). */
  backlog?: number;
  /** Whether an IPv6 socket refuses IPv4 connections; false by default (as Node's). */
  ipv6Only?: boolean;
}

/**
 * Binds so that nobody else can share the port.
 *
 * @throws SystemError as bind(2) gives it; EADDRINUSE says who has the port
 */
function bindAlone(socket: SocketHandle, address: string, port: number): void {
  try {
    // SO_REUSEADDR stays on when connections in TIME_WAIT made it necessary. Another socket with the option may
    // bind before this one listens, but only one can listen: this one, or its listen() fails with EADDRINUSE.
    bindExclusively(socket, address, port, 'bind');
  } catch (error) {
    throw withHolders(error, { protocol: 'tcp', ...conflictAddress(socket, address) }, port);
  }
}

/** A bound TCP socket of the host's family; on an IPv6 one IPV6_V6ONLY is set, as by Node. */
function openAndBind(host: string, port: number, ipv6Only: boolean): SocketHandle {
  const { AF_INET, AF_INET6 } = constants;
  const ipv6 = host === '' || isIpv6(host);
  const socket = new SocketHandle(ipv6 ? AF_INET6 : AF_INET);
  try {
    if (ipv6) setIpv6Only(socket.fd, ipv6Only);
    bindAlone(socket, resolveHost(host, socket.family), port);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Node's default host: every address, of IPv4 alone where the machine has no IPv6. */
function openOnAllAddresses(port: number, ipv6Only: boolean): SocketHandle {
  try {
    return openAndBind('', port, ipv6Only);
  } catch (error) {
    // With ipv6Only there is no falling back to IPv4.
    if (ipv6Only || !isSystemError(error, EAFNOSUPPORT, EADDRNOTAVAIL)) throw error;
    return openAndBind(WILDCARD, port, ipv6Only);
  }
}

/**
 * Makes a server listen on an address and port that no other program can take or share while it
 * listens, whichever options it sets.
 *
 * Windows: the socket has SO_EXCLUSIVEADDRUSE, which Node never sets. A port whose server accepted
 * connections can't be bound exclusively again until those are gone, TIME_WAIT included: have the
 * clients close first (docs/windows.md).
 * Unix: the socket is bound without SO_REUSEADDR, so that it is exclusive even before it listens, and
 * has the option from then on, when it lets nobody in but lets the next server start through
 * TIME_WAIT. When nothing but such connections is in the way of the bind it is set before. Proven on
 * Linux 6.8 and later. Before, and where sock_diag is forbidden, the kernel does not show who has bound a port
 * and does not listen: there the server also takes a port that somebody else has bound with SO_REUSEADDR.
 * macOS and FreeBSD let the same user bind one address beside a wildcard (in_pcbbind), so give a host there.
 *
 * @param server a net, tls, http, https or http2 server that does not listen yet
 * @param options port, host, backlog and ipv6Only
 * @returns the address, once 'listening' was emitted
 * @throws (rejects) TypeError or RangeError for wrong arguments; SystemError with `syscall` `'bind'`
 *   or `'listen'`: EADDRINUSE when the port is taken (from `'bind'` a `PortTakenError`, which names those who
 *   have it, as far as they are seen), EACCES when it is held exclusively (Windows) or privileged (Unix).
 *   Nothing stays open.
 */
export async function listenExclusive(
  server: Server,
  options: ListenExclusiveOptions = {},
): Promise<AddressInfo> {
  refuseListening(server);
  const { port = 0, host = '', backlog, ipv6Only = false } = object('options', options);
  checkPort('options.port', port);
  text('options.host', host);
  if (backlog !== undefined) checkBacklog(backlog);
  boolean('options.ipv6Only', ipv6Only);
  const socket =
    host === '' ? openOnAllAddresses(port, ipv6Only) : openAndBind(host, port, ipv6Only);
  try {
    // A connection that is made before the option is set, some µs, may delay the next start by its TIME_WAIT.
    return await adopt(server, socket, {
      ...(backlog !== undefined && { backlog }),
      restartable: true,
    });
  } catch (error) {
    socket.close();
    throw error;
  }
}
