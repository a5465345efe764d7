import type { SocketState, SocketTimer } from '../socket-info';

/**
 * The kernel's numbers: include/net/tcp_states.h. 12 is a request socket, a SYN_RECV of its own kind. Sockets
 * that 13 asks for come as 7 (TCP_CLOSE); only they do, since one without a port is in no table.
 */
const STATES: readonly (SocketState | undefined)[] = [
  undefined,
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'BOUND',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'SYN_RECV',
  'BOUND',
];

export function tcpState(number: number): SocketState | undefined {
  return STATES[number];
}

/** UDP and Unix sockets use three of TCP's numbers; CLOSED is one without a fixed peer. */
export function datagramState(number: number): SocketState | undefined {
  return number === 7 ? 'UNCONNECTED' : STATES[number];
}

/** The states as the bits of a request; all for none. Kernels ignore the bits that they do not know. */
export function stateBits(states: ReadonlySet<SocketState> | undefined): number {
  let bits = 0;
  STATES.forEach((state, number) => {
    if (state !== undefined && (states === undefined || states.has(state))) bits |= 1 << number;
  });
  return states?.has('UNCONNECTED') ? bits | (1 << 7) : bits;
}

/** The numbers of idiag_timer, which /proc/net/tcp has, too: net/ipv4/inet_diag.c, inet_sk_diag_fill. */
const TIMERS: readonly (SocketTimer['kind'] | undefined)[] = [
  undefined,
  'retransmit',
  'keepalive',
  'time-wait',
  'probe',
];

export function timerKind(number: number): SocketTimer['kind'] | undefined {
  return TIMERS[number];
}
