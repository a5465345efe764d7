import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  constants,
  portRange,
  reservePort,
  reservePorts,
  SocketHandle,
  type Strategy,
} from '../../../src/index';

const [from = 0, to = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  .trim()
  .split(/\s+/)
  .map(Number);
const size = to - from + 1;

const full = expect.objectContaining({ code: 'EADDRINUSE', syscall: 'bind' });

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

beforeAll(() => {
  // Using up the machine's own range would hurt others.
  if (size > 1000) throw new Error('run this with: npm run test:netns');
});

describe.each([
  ['TCP', {}],
  ['TCP on 127.0.0.1', { host: '127.0.0.1' }],
  ['UDP', { protocol: 'udp' }],
  ['both on both loopback addresses', { protocol: 'both', host: 'localhost' }],
] as const)('the whole range, %s', (_, options) => {
  test('can be reserved; then one more is EADDRINUSE; one released is available again', () => {
    reservePort(options).release();
    const before = openDescriptors();
    const all = reservePorts(size, options);
    const ports = all.map(({ port }) => port).toSorted((a, b) => a - b);
    expect(ports).toEqual([...portRange(from, to)]);
    const open = openDescriptors();
    for (let i = 0; i < 3; i++) expect(() => reservePort(options)).toThrow(full);
    expect(() => reservePorts(3, options)).toThrow(full);
    expect(openDescriptors()).toBe(open);

    for (const chosen of [0, 137, size - 1]) {
      const released = all[chosen];
      released?.release();
      const again = reservePort(options);
      expect(again.port).toBe(released?.port);
      expect(() => reservePort(options)).toThrow(full);
      all[chosen] = again;
    }

    for (const reservation of all) reservation.release();
    expect(openDescriptors()).toBe(before);
    const oneMore = reservePorts(size, options);
    for (const reservation of oneMore) reservation.release();
  });

  test('gives none of several ports when there are not enough, and keeps none', () => {
    const some = reservePorts(size - 10, options);
    const open = openDescriptors();
    expect(() => reservePorts(11, options)).toThrow(full);
    expect(openDescriptors()).toBe(open);
    const rest = reservePorts(10, options);
    for (const reservation of [...some, ...rest]) reservation.release();
  });
});

test('finds the last port that is not excluded and not taken', () => {
  const exclude = [...portRange(from, from + 199)];
  const all = reservePorts(100, { exclude });
  expect(Math.min(...all.map(({ port }) => port))).toBe(from + 200);
  expect(() => reservePort({ exclude })).toThrow(full);
  for (const reservation of all) reservation.release();
});

test('gives out no port that the kernel is told to leave alone', () => {
  const path = '/proc/sys/net/ipv4/ip_local_reserved_ports';
  writeFileSync(path, `${from + 2}-65535`);
  try {
    using last = reservePort({ exclude: [from] });
    expect(last.port).toBe(from + 1);
    const pair = reservePorts([0, 1], { exclude: portRange(1, from - 4) });
    for (const { port } of pair) expect(port).toBeLessThan(from + 1);
    for (const reservation of pair) reservation.release();
  } finally {
    writeFileSync(path, '\n');
  }
});

// Last, because closed connections keep their ports for a while.
describe.each<Strategy>(['bound', 'connected-pair'])('a shared port, %s', (strategy) => {
  test('is never the choice of the kernel, for a bind or a connection', () => {
    using reservation = reservePort({ strategy });
    reservation.share();
    using listener = new SocketHandle();
    listener.bind('127.0.0.1', 1024);
    listener.listen(4096);
    /** The ports that the kernel chooses until it has none left. */
    const choices = (use: (socket: SocketHandle) => void): [ports: number[], code: unknown] => {
      const sockets: SocketHandle[] = [];
      const ports: number[] = [];
      try {
        for (let i = 0; i <= size; i++) {
          const socket = new SocketHandle(constants.AF_INET);
          sockets.push(socket);
          use(socket);
          ports.push(socket.address().port);
        }
        return [ports, undefined];
      } catch (error) {
        return [ports, error instanceof Error && 'code' in error ? error.code : error];
      } finally {
        for (const socket of sockets) socket.close();
      }
    };
    const [bound, noBind] = choices((socket) => {
      socket.setOption('SO_REUSEADDR', true);
      socket.bind('127.0.0.1');
    });
    expect(noBind).toBe('EADDRINUSE');
    // The far end of a pair has a port too. Connections can share that one, binds can't.
    expect(bound).toHaveLength(strategy === 'bound' ? size - 1 : size - 2);
    expect(bound).not.toContain(reservation.port);
    const [connected, noConnection] = choices((socket) => socket.connect('127.0.0.1', 1024));
    expect(noConnection).toBe('EADDRNOTAVAIL');
    expect(connected).toHaveLength(size - 1);
    expect(connected).not.toContain(reservation.port);
  });
});
