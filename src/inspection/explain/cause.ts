import type { SocketHolder, SocketInfo } from '../socket-info';
import { place } from './facts';
import type { PortCause, PortCauseCode } from './report';

/** A cause with all that is known of the socket and the process. */
export function causeOf(
  cause: PortCauseCode,
  socket: SocketInfo,
  process: SocketHolder | undefined,
  message: string,
  advice: readonly string[],
): PortCause {
  const found: PortCause = { cause, message, advice: [...advice] };
  if (process) {
    found.pid = process.pid;
    const command = process.command ?? process.name;
    if (command !== undefined) found.command = command;
  }
  if (socket.uid !== undefined) found.uid = socket.uid;
  if (socket.user !== undefined) found.user = socket.user;
  found.address = socket.local.address;
  return found;
}

export function placeOf({ local }: SocketInfo): string {
  return place(local.address, local.port);
}
