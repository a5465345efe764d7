import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../src/base/binding';
import {
  adopt,
  bindPort,
  type PortTakenError,
  portRange,
  type ReserveOptions,
  reservePort,
  reservePorts,
  SocketHandle,
} from '../../src/index';
import { clearLockedPorts, getPort } from '../../src/reservation/get-port';
import { freePort, quietPorts } from '../support/free-port';
import { startHolder } from '../support/holder';
import { needsIpv6 } from '../support/network';
import { linuxOnly } from '../support/platform';
import { leaveRemainder } from '../support/remainders';
import { node } from '../support/reservations';
import { errnoOf } from '../support/thrown';

const toldByLinux = linuxOnly('sock_diag and /proc tell who has it');

function isPortTaken(error: unknown): error is PortTakenError {
  return error instanceof Error && 'holders' in error && Array.isArray(error.holders);
}

/** The error of a strict reservation, which must fail. */
function refusal(options: ReserveOptions, reserve: (options: ReserveOptions) => unknown) {
  try {
    reserve({ ...options, strict: true });
  } catch (error) {
    if (isPortTaken(error)) return error;
    throw error;
  }
  throw new Error('it was reserved');
}

const refusalOf = (options: ReserveOptions) => refusal(options, reservePort);

describe('strict takes', () => {
  test('the port, and no other', () => {
    const port = freePort();
    using reservation = reservePort({ port, strict: true });
    expect(reservation.port).toBe(port);
    expect(refusalOf({ port })).toMatchObject({
      code: 'EADDRINUSE',
      syscall: 'bind',
      errno: expect.any(Number),
      port,
      message: expect.stringMatching(/^bind EADDRINUSE [\d.:]+:\d+/),
    });
  });

  test('the first of a list that is free', () => {
    using taken = reservePort({ port: quietPorts() });
    const free = freePort();
    using reservation = reservePort({ port: [taken.port, taken.port, free], strict: true });
    expect(reservation.port).toBe(free);
  });

  test('as many of a list as are wanted, or none', () => {
    const [first, second, third] = reservePorts(3, { port: quietPorts() });
    if (!first || !second || !third) throw new Error('no ports');
    using _ = second;
    first.release();
    third.release();
    const port = [first.port, second.port, third.port];
    const two = reservePorts(2, { port, strict: true });
    expect(two.map((one) => one.port)).toEqual([first.port, third.port]);
    for (const one of two) one.release();
    const error = refusal({ port }, (options) => reservePorts(3, options));
    expect(error).toMatchObject({ code: 'EADDRINUSE', port: second.port });
    // The others were given up.
    reservePort({ port: first.port, strict: true }).release();
    reservePort({ port: third.port, strict: true }).release();
    expect(reservePorts(0, { port, strict: true })).toEqual([]);
  });

  test('a group at fixed distances, or none', () => {
    const [base, next] = reservePorts([0, 1], { port: quietPorts() });
    if (!base || !next) throw new Error('no pair');
    base.release();
    const group = (options: ReserveOptions) => reservePorts([0, 1], options);
    expect(refusal({ port: base.port }, group)).toMatchObject({ port: next.port });
    next.release();
    for (const one of group({ port: base.port, strict: true })) one.release();
  });

  test('any port for 0', () => {
    using reservation = reservePort({ port: 0, strict: true });
    expect(reservation.port).toBeGreaterThan(0);
    for (const one of reservePorts([0, 1], { port: 0, strict: true })) one.release();
  });

  test('a port that is held for one protocol only for the other', () => {
    using udp = reservePort({ protocol: 'udp', port: freePort() });
    const { port } = udp;
    using tcp = reservePort({ port, strict: true });
    expect(tcp.port).toBe(port);
    expect(refusalOf({ protocol: 'udp', port })).toMatchObject({ port });
  });
});

describe('strict refuses', () => {
  test.each([
    ['no port', {}],
    ['an empty list', { port: [] }],
    ['a port that is excluded', { port: 3000, exclude: [3000] }],
    ['a list that is excluded', { port: [3000, 3001], exclude: portRange(1, 65535) }],
  ])('%s', (_, options) => {
    expect(() => reservePort({ ...options, strict: true })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringContaining("'options.port'"),
      }),
    );
  });

  test('fewer ports than are wanted', () => {
    const port = freePort();
    for (const given of [port, [port, port]]) {
      expect(() => reservePorts(2, { port: given, strict: true })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
      );
    }
    reservePort({ port, strict: true }).release();
  });

  test.each([1, 'yes', null])('%j in the place of a boolean', (strict) => {
    expect(() => Reflect.apply(reservePort, undefined, [{ port: 3000, strict }])).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_TYPE',
        message: expect.stringContaining('"options.strict"'),
      }),
    );
  });

  test('nothing when it is off', () => {
    using taken = reservePort({ port: quietPorts() });
    using other = reservePort({ port: taken.port, strict: false });
    expect(other.port).not.toBe(taken.port);
  });
});

describe('whoever has the port is named:', toldByLinux, () => {
  test('a program that listens', async () => {
    const { pid, port, fd } = await startHolder();
    const { message, holders } = refusalOf({ port, host: '127.0.0.1' });
    expect(message).toMatch(
      new RegExp(
        `^bind EADDRINUSE 127\\.0\\.0\\.1:${port}: process ${pid} \\(.*python3 .*holder\\.py\\) listens on 127\\.0\\.0\\.1:${port}$`,
      ),
    );
    expect(holders).toMatchObject([
      {
        state: 'LISTEN',
        local: { address: '127.0.0.1', port },
        processes: [{ pid, fd, command: expect.stringContaining('holder.py') }],
      },
    ]);
    // On every address: it is in the way on its own.
    expect(refusalOf({ port })).toMatchObject({
      address: '::',
      message: expect.stringContaining(`process ${pid} (`),
    });
  });

  test('a reservation, of this process', () => {
    using taken = reservePort({ host: '127.0.0.1' });
    const { message, holders } = refusalOf({ port: taken.port });
    expect(message).toContain(`process ${process.pid} (`);
    expect(message).toContain(`has bound 127.0.0.1:${taken.port}`);
    expect(holders).toMatchObject([{ state: 'BOUND' }]);
  });

  test('one on the second of several addresses', needsIpv6, () => {
    using taken = reservePort({ host: '::1', port: freePort() });
    const { port } = taken;
    const error = refusalOf({ port, host: 'localhost' });
    expect(error).toMatchObject({ address: '::1', port });
    expect(error.message).toContain(`has bound ::1:${port}`);
    expect(error.holders).toHaveLength(1);
  });

  test('one that has UDP', () => {
    using taken = reservePort({ protocol: 'udp', port: freePort() });
    const { port } = taken;
    const { message, holders } = refusalOf({ port, protocol: 'both' });
    expect(message).toContain(`has bound UDP 127.0.0.1:${port}`);
    expect(holders).toMatchObject([{ protocol: 'udp', processes: [{ pid: process.pid }] }]);
  });

  test('those of a list, as many as are read with ease', () => {
    const taken = reservePorts(8, { port: quietPorts() });
    onTestFinished(() => {
      for (const one of taken) one.release();
    });
    const port = taken.map((one) => one.port);
    const { holders, ...error } = refusalOf({ port });
    expect(error).not.toHaveProperty('port');
    expect(new Set(holders.map(({ local }) => local.port))).toEqual(new Set(port));
    const { message } = refusalOf({ port });
    expect(message).toMatch(
      new RegExp(
        `^bind EADDRINUSE ::: none of the ports ${port.slice(0, 5).join(', ')}, and 3 more`,
      ),
    );
    expect(message.match(/has bound/g)).toHaveLength(3);
    expect(message).toMatch(/; and 5 more$/);
  });

  test('connections that have ended: how long, and nobody', async () => {
    const port = await leaveRemainder(async (server) => {
      // Without SO_REUSEADDR, which would let a reservation in.
      const socket = new SocketHandle();
      bindPort(socket);
      return adopt(server, socket);
    });
    const { message, holders } = refusalOf({ port });
    expect(message).toMatch(/: connections that have ended keep it for another \d+ s$/);
    expect(holders).toEqual([]);
  });

  test('nobody, where sock_diag shows nobody', async () => {
    using taken = reservePort({ port: freePort() });
    // Then /proc/net is read, which has no sockets that are bound alone.
    const spy = vi.spyOn(binding, 'socketDiag').mockReturnValue(errnoOf('EACCES'));
    onTestFinished(() => {
      spy.mockRestore();
    });
    const { message, holders } = refusalOf({ port: taken.port });
    expect(message).toBe(`bind EADDRINUSE :::${taken.port}`);
    expect(holders).toEqual([]);
  });
});

test('the error of get-port stays what it was', async () => {
  onTestFinished(clearLockedPorts);
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const other = await getPort({ port });
  expect(other).not.toBe(port);
  await expect(getPort({ port, exclude: [0] })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test(
  'a strict list of which each port needs a privilege is EACCES',
  linuxOnly('ip_unprivileged_port_start tells them'),
  async () => {
    using taken = reservePort({ port: quietPorts() });
    const free = freePort();
    const answer = await node(`
      if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
      const first = Number(require('node:fs').readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
      if (first < 3) console.log('EACCES EADDRINUSE ${taken.port} ${free}');
      else {
        const attempt = (port) => {
          try {
            const reservation = bindport.reservePort({ port, strict: true });
            reservation.release();
            return reservation.port;
          } catch ({ code, port }) { return code + (code === 'EACCES' ? '' : ' ' + port); }
        };
        const list = [first - 1, first - 2];
        console.log(attempt(list), attempt([...list, ${taken.port}]), attempt([...list, ${free}]));
      }
    `);
    expect(answer).toBe(`EACCES EADDRINUSE ${taken.port} ${free}`);
  },
);
