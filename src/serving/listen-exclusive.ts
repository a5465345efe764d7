import type { AddressInfo, Server } from 'node:net';
import { isIpv6, resolveHost, WILDCARD } from '../base/addresses';
import { constants } from '../base/constants';
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  invalidArgType,
  isSystemError,
} from '../base/errors';
import { reuseAddrIsForTimeWait } from '../base/platform';
import { backlog as checkBacklog, port as checkPort, object, text } from '../base/validate';
import { bindDescriptor, setIpv6Only } from '../socket/bind';
import { requestExclusiveUse } from '../socket/exclusive';
import { SocketHandle } from '../socket/socket-handle';
import { adopt, refuseListening } from './adopt';

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
 * Binds so that nobody else can share the port. On Unix that is without SO_REUSEADDR. Connections in
 * TIME_WAIT refuse such a bind, so after EADDRINUSE it is tried once more with the option, which must stay
 * on until the socket listens (Linux checks for conflicts again then). Another socket with the option may
 * bind in between, but only one can listen: this one, or its listen() fails with EADDRINUSE.
 */
function bindExclusively(socket: SocketHandle, address: string, port: number): void {
  requestExclusiveUse(socket.fd);
  try {
    bindDescriptor(socket.fd, socket.family, address, port);
  } catch (error) {
    if (!reuseAddrIsForTimeWait || !isSystemError(error, EADDRINUSE) || port === 0) throw error;
    socket.setOption('SO_REUSEADDR', true);
    bindDescriptor(socket.fd, socket.family, address, port);
  }
}

/** A bound TCP socket of the host's family; on an IPv6 one IPV6_V6ONLY is set, as by Node. */
function openAndBind(host: string, port: number, ipv6Only: boolean): SocketHandle {
  const { AF_INET, AF_INET6 } = constants;
  const ipv6 = host === '' || isIpv6(host);
  const socket = new SocketHandle(ipv6 ? AF_INET6 : AF_INET);
  try {
    if (ipv6) setIpv6Only(socket.fd, ipv6Only);
    bindExclusively(socket, resolveHost(host, socket.family), port);
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
 * TIME_WAIT. When connections in TIME_WAIT are in the way of the bind it is set before. Proven on
 * Linux; macOS and FreeBSD let the same user bind one address beside a wildcard (in_pcbbind), so give
 * a host there.
 *
 * @param server a net, tls, http, https or http2 server that does not listen yet
 * @param options port, host, backlog and ipv6Only
 * @returns the address, once 'listening' was emitted
 * @throws (rejects) TypeError or RangeError for wrong arguments; SystemError with `syscall` `'bind'`
 *   or `'listen'`: EADDRINUSE when the port is taken, EACCES when it is held exclusively (Windows) or
 *   privileged (Unix). Nothing stays open.
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
  if (typeof ipv6Only !== 'boolean') {
    throw invalidArgType('options.ipv6Only', 'of type boolean', ipv6Only);
  }
  const socket =
    host === '' ? openOnAllAddresses(port, ipv6Only) : openAndBind(host, port, ipv6Only);
  try {
    socket.listen(backlog);
    // Accepted sockets inherit SO_REUSEADDR, and once they are in TIME_WAIT that lets the next server of
    // this port bind. It is set after listen(), since before it would let others bind. A connection that is
    // made between these two calls does not have it, and may delay the next start by its TIME_WAIT.
    if (reuseAddrIsForTimeWait) socket.setOption('SO_REUSEADDR', true);
    return await adopt(server, socket, backlog === undefined ? {} : { backlog });
  } catch (error) {
    socket.close();
    throw error;
  }
}
