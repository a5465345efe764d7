import { BoundHold } from './bound';
import { ConnectedPairHold } from './connected-pair';
import { DatagramHold } from './datagram';
import type { Hold, HoldAddress, Strategy } from './hold';
import { ReleaseHold } from './release';

type HoldClass = new (at: HoldAddress, port: number) => Hold;

const tcpHolds: { readonly [S in Strategy]: HoldClass } = {
  bound: BoundHold,
  'connected-pair': ConnectedPairHold,
  release: ReleaseHold,
};

export const strategies: readonly string[] = Object.keys(tcpHolds);

export function isStrategy(value: unknown): value is Strategy {
  return typeof value === 'string' && Object.hasOwn(tcpHolds, value);
}

/**
 * Keeps a port on one address.
 *
 * @param port 0 for one of the kernel's choice
 * @throws SystemError as bind(2) gives it
 */
export function openHold(strategy: Strategy, at: HoldAddress, port: number): Hold {
  const Tcp = tcpHolds[strategy];
  return at.protocol === 'udp' ? new DatagramHold(at, port) : new Tcp(at, port);
}
