import { describe, expect, test } from 'vitest';
import {
  type PortReservation,
  portRange,
  type ReserveOptions,
  reservePort,
  reservePorts,
} from '../../src/index';
import { quietPorts } from '../support/free-port';
import { notInWine, unixOnly } from '../support/platform';
import { node } from '../support/reservations';

/** The ports that are reserved, which are released again. */
function portsOf(distances: readonly number[], options?: ReserveOptions): number[] {
  const reserved = reservePorts(distances, options);
  release(reserved);
  return reserved.map(({ port }) => port);
}

function release(reservations: readonly PortReservation[]): void {
  for (const reservation of reservations) reservation.release();
}

/** A base from which 0 to 9 lead to ports that nobody has. */
function quietBase(): number {
  const [base = 0] = portsOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { port: quietPorts() });
  return base;
}

describe('ports at fixed distances', () => {
  test.each([
    [[0, 10_000]],
    [[10_000, 0]],
    [[0, 1, 2, 3]],
    [[0, -10_000]],
    [[0, 64_000]],
    [[5, 7]],
    [[0]],
  ])('%j apart are reserved, in that order', (distances) => {
    const reserved = reservePorts(distances);
    const [first = 0] = distances;
    const base = (reserved[0]?.port ?? 0) - first;
    expect(reserved.map(({ port }) => port - base)).toEqual(distances);
    for (const { port, state } of reserved) {
      expect(state).toBe('held');
      expect(port).toBeGreaterThanOrEqual(1024);
      using other = reservePort({ port });
      expect(other.port).not.toBe(port);
    }
    release(reserved);
  });

  test('are none for no distances', () => {
    expect(reservePorts([])).toEqual([]);
  });

  test('begin at the preferred port', () => {
    const base = quietBase();
    expect(portsOf([0, 2], { port: base })).toEqual([base, base + 2]);
    expect(portsOf([2, 1], { port: base })).toEqual([base + 2, base + 1]);
  });

  test('are others when one of the preferred is taken, and the rest of those stay free', () => {
    const base = quietBase();
    using taken = reservePort({ port: base + 2 });
    expect(taken.port).toBe(base + 2);
    expect(portsOf([0, 2], { port: base })[0]).not.toBe(base);
    expect(portsOf([0, 2], { port: [base, base + 2, base + 4] })).toEqual([base + 4, base + 6]);
    using rest = reservePort({ port: base });
    expect(rest.port).toBe(base);
  });

  test('never are excluded ones', () => {
    const base = quietBase();
    const exclude = [base, base + 3];
    expect(portsOf([0, 2], { port: portRange(base, base + 9), exclude })).toEqual([
      base + 2,
      base + 4,
    ]);
    // Of all ports 50 are left.
    const others = [...portRange(1, base - 1), ...portRange(base + 50, 65535)];
    const ports = portsOf([0, 7], { exclude: others });
    expect(ports[1]).toBe((ports[0] ?? 0) + 7);
    for (const port of ports) expect(others).not.toContain(port);
  });

  test(
    'are reserved for both protocols, on all hosts',
    notInWine('a UDP port on 127.0.0.2 is refused beside 127.0.0.1'),
    () => {
      const reserved = reservePorts([0, 1], { protocol: 'both', host: ['127.0.0.1', '127.0.0.2'] });
      for (const { port } of reserved) {
        for (const host of ['127.0.0.1', '127.0.0.2']) {
          for (const protocol of ['tcp', 'udp'] as const) {
            using other = reservePort({ port, host, protocol });
            expect(other.port).not.toBe(port);
          }
        }
      }
      release(reserved);
    },
  );

  test('of a list pass over those that lead beyond the last port; alone that is an error', () => {
    const base = quietBase();
    const distance = 65535 - base - 5;
    const [first = 0] = portsOf([0, distance], { port: [base + 9, 65535, base] });
    expect(first).toBe(base);
    expect(() => reservePorts([0, 10_000], { port: 60_000 })).toThrow(
      expect.objectContaining({
        code: 'ERR_OUT_OF_RANGE',
        message: expect.stringMatching(/"options.port".* >= 1 && <= 55535\. Received 60000/),
      }),
    );
    expect(() => reservePorts([0, -100], { port: 100 })).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
  });

  test('are not to be had when all are excluded', () => {
    expect(() => reservePorts([0, 10_000], { exclude: portRange(1, 65535) })).toThrow(
      expect.objectContaining({
        code: 'EADDRINUSE',
        syscall: 'bind',
        message: expect.stringContaining('no ports at the distances 0, 10000 are free'),
      }),
    );
  });

  test.each([
    ['"count"', 'two', 'ERR_INVALID_ARG_TYPE'],
    ['"count"', { length: 1, 0: 0 }, 'ERR_INVALID_ARG_TYPE'],
    ['"distances[1]"', [0, '1'], 'ERR_INVALID_ARG_TYPE'],
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    ['"distances[1]"', [0, , 1], 'ERR_INVALID_ARG_TYPE'],
    ['"distances[0]"', [0.5], 'ERR_OUT_OF_RANGE'],
    ['"distances[1]"', [0, 65_535], 'ERR_OUT_OF_RANGE'],
    ["'distances'", [0, 5, 0], 'ERR_INVALID_ARG_VALUE'],
    ["'distances'", [-40_000, 40_000], 'ERR_INVALID_ARG_VALUE'],
  ])('refuse wrong ones by name: %s', (name, distances, code) => {
    expect(() => Reflect.apply(reservePorts, undefined, [distances])).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(name) }),
    );
  });

  test(
    'leave no descriptor open when descriptors run out',
    unixOnly('its other programs are Unix shells'),
    async () => {
      const answer = await node(
        `
        const { readdirSync } = require('node:fs');
        const before = readdirSync('/dev/fd').length;
        try { bindport.reservePorts(Array.from({ length: 200 }, (_, i) => 3 * i)); }
        catch (error) { console.log(error.code, error.syscall, readdirSync('/dev/fd').length - before); }
      `,
        { openFiles: 100 },
      );
      expect(answer).toBe('EMFILE socket 0');
    },
  );
});
