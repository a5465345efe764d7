import type { PortReservation } from '../reservation/port-reservation';
import { type WayIn, waysIn } from '../reservation/ways-in';

const INSTEAD: Readonly<Record<WayIn, string>> = {
  guarded: '--guarded',
  socket: '--activate, which passes it the socket itself, if it takes one',
};

/**
 * What to do for a program that was given its port by number and has failed before anybody listened, in case it found
 * the port in use: only its own output tells. Empty where nothing can be done here.
 */
export function inUseHint(
  command: string,
  status: number,
  { port, strategy }: PortReservation,
): string {
  const ways = waysIn(strategy) ?? [];
  if (ways.length === 0) return '';
  return (
    `bindport: ${command} exited with status ${status} before it was seen to listen on port ${port}. If it found the ` +
    `address in use, it does not set SO_REUSEADDR: run it with ${ways.map((way) => INSTEAD[way]).join(', or ')}\n`
  );
}
