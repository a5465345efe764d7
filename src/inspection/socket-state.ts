import type { NativeInspection } from '../base/binding';
import { constants } from '../base/constants';
import type { OptionValue } from '../options/socket-options';
import type { SocketState } from './socket-info';

type TcpState = NonNullable<OptionValue<'TCP_INFO'>['state']>;

/** The states of Linux and of FreeBSD by their C names. TCP_CLOSE is any that is not connected: with a port or not. */
const TCP_STATES: ReadonlyMap<TcpState, SocketState> = new Map<TcpState, SocketState>([
  ['TCP_ESTABLISHED', 'ESTABLISHED'],
  ['TCP_SYN_SENT', 'SYN_SENT'],
  ['TCP_SYN_RECV', 'SYN_RECV'],
  ['TCP_FIN_WAIT1', 'FIN_WAIT1'],
  ['TCP_FIN_WAIT2', 'FIN_WAIT2'],
  ['TCP_TIME_WAIT', 'TIME_WAIT'],
  ['TCP_CLOSE_WAIT', 'CLOSE_WAIT'],
  ['TCP_LAST_ACK', 'LAST_ACK'],
  ['TCP_LISTEN', 'LISTEN'],
  ['TCP_CLOSING', 'CLOSING'],
  ['TCP_NEW_SYN_RECV', 'SYN_RECV'],
  ['TCPS_LISTEN', 'LISTEN'],
  ['TCPS_SYN_SENT', 'SYN_SENT'],
  ['TCPS_SYN_RECEIVED', 'SYN_RECV'],
  ['TCPS_ESTABLISHED', 'ESTABLISHED'],
  ['TCPS_CLOSE_WAIT', 'CLOSE_WAIT'],
  ['TCPS_FIN_WAIT_1', 'FIN_WAIT1'],
  ['TCPS_CLOSING', 'CLOSING'],
  ['TCPS_LAST_ACK', 'LAST_ACK'],
  ['TCPS_FIN_WAIT_2', 'FIN_WAIT2'],
  ['TCPS_TIME_WAIT', 'TIME_WAIT'],
]);

/** The state, as `SocketInfo` has it. */
export function stateOf(
  { type, family, local, remote }: NativeInspection,
  listening: boolean,
  tcpState: TcpState | undefined,
): SocketState {
  const state = tcpState === undefined ? undefined : TCP_STATES.get(tcpState);
  if (state !== undefined) return state;
  if (listening) return 'LISTEN';
  if (remote !== undefined) return 'ESTABLISHED';
  if (family === constants.AF_UNIX || type !== constants.SOCK_STREAM) return 'UNCONNECTED';
  return local !== undefined && local.port !== 0 ? 'BOUND' : 'CLOSED';
}
