import { portRange, reservePort } from '../../src/index';

/**
 * Ports from a random one on, below those that kernels choose from: one that is given up can be taken
 * again, since nobody else comes by it.
 */
export function quietPorts(): Iterable<number> {
  return portRange(10_000 + Math.floor(Math.random() * 20_000), 32_767);
}

/** One of them, free for TCP on every address (on Windows on 127.0.0.1), for UDP on 127.0.0.1. */
export function freePort(): number {
  using reservation = reservePort({ port: quietPorts(), protocol: 'both' });
  return reservation.port;
}
