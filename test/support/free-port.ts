import { portRange, reservePort } from '../../src/index';
import { findSocketsSync } from '../../src/inspection/find-sockets';

/**
 * Ports from a random one on, below those that kernels choose from: one that is given up can be taken
 * again, since nobody else comes by it. Those are left out on which another test has left a connection (TIME_WAIT).
 */
export function quietPorts(): Iterable<number> {
  const ports = portRange(10_000 + Math.floor(Math.random() * 20_000), 32_767);
  return {
    *[Symbol.iterator]() {
      const found = findSocketsSync({ protocol: ['tcp', 'udp'], processes: 'none' });
      const used = new Set(found.map(({ local }) => local.port));
      for (const port of ports) if (!used.has(port)) yield port;
    },
  };
}

/** One of them, free for TCP on every address (on Windows on 127.0.0.1), for UDP on 127.0.0.1. */
export function freePort(): number {
  using reservation = reservePort({ port: quietPorts(), protocol: 'both' });
  return reservation.port;
}
