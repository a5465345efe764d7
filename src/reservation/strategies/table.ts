import { debug, debugging } from '../../base/debug';
import { BoundHold } from './bound';
import { ConnectedPairHold } from './connected-pair';
import { DatagramHold } from './datagram';
import type { Hold, HoldAddress, TcpStrategy } from './hold';
import { ReleaseHold } from './release';

/** By its public name, the best first: the first that the platform supports is its default. */
export const tcpStrategies = {
  bound: BoundHold,
  'connected-pair': ConnectedPairHold,
  release: ReleaseHold,
} as const satisfies Readonly<Record<string, TcpStrategy>>;

/**
 * How a TCP port is kept: `bound` by a socket that is bound and does not listen, `connected-pair` by
 * an established loopback connection, `release` not at all while another program has it.
 */
export type Strategy = keyof typeof tcpStrategies;

/** The name of what every UDP port is kept by, a bound socket (DatagramHold). */
export const UDP_STRATEGY: Strategy = 'bound';

export function isStrategy(value: unknown): value is Strategy {
  return typeof value === 'string' && Object.hasOwn(tcpStrategies, value);
}

export const strategies: readonly Strategy[] = Object.keys(tcpStrategies).filter(isStrategy);

/** The best that this platform supports; `release` needs nothing of it. */
export const defaultStrategy: Strategy =
  strategies.find((strategy) => tcpStrategies[strategy].supported) ?? 'release';

/**
 * Keeps a port on one address.
 *
 * @param port 0 for one of the kernel's choice
 * @throws SystemError as bind(2) gives it
 */
export function openHold(strategy: Strategy, at: HoldAddress, port: number): Hold {
  const Tcp: TcpStrategy = tcpStrategies[strategy];
  const hold = at.protocol === 'udp' ? new DatagramHold(at, port) : new Tcp(at, port);
  if (debugging) {
    const name = at.protocol === 'udp' ? UDP_STRATEGY : strategy;
    debug('port %d is held: %s %s, strategy %s', hold.port, at.protocol, at.address, name);
  }
  return hold;
}
