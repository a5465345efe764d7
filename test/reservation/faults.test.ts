import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { binding } from '../../src/base/binding';
import {
  constants,
  type PortReservation,
  type ReserveOptions,
  reservePort,
  SocketHandle,
  setOption,
} from '../../src/index';
import { openSockets } from '../support/descriptors';
import { needsIpv6 } from '../support/network';
import { linuxOnly, unixOnly } from '../support/platform';
import { ended } from '../support/reservations';
import { rejection, systemErrorLike, thrown } from '../support/thrown';

const { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM } = constants;

function reserve(options: ReserveOptions): PortReservation {
  const reservation = reservePort(options);
  onTestFinished(() => {
    try {
      reservation.release();
    } catch {
      // Where a test has closed one of its descriptors.
    }
  });
  return reservation;
}

/** What a bind to the port with that option gets; the socket is closed again. */
function bindWith(
  option: 'SO_REUSEADDR' | 'SO_REUSEPORT' | undefined,
  port: number,
  { type = SOCK_STREAM, family = AF_INET } = {},
): string {
  using thief = new SocketHandle(family, type);
  if (option) thief.setOption(option, true);
  try {
    thief.bind('localhost', port);
    return 'Success';
  } catch (error) {
    return String(Reflect.get(Object(error), 'code'));
  }
}

describe('a UDP port that was served', unixOnly('the server has a duplicate of the socket'), () => {
  test.each(['SO_REUSEADDR', 'SO_REUSEPORT'] as const)(
    'is not open to others by the %s that its server has set',
    async (option) => {
      const reservation = reserve({ protocol: 'udp' });
      const socket = createSocket('udp4');
      await reservation.bind(socket);
      setOption(socket, option, true);
      socket.close();
      await once(socket, 'close');
      expect(bindWith(option, reservation.port, { type: SOCK_DGRAM })).toBe('EADDRINUSE');
    },
  );

  test('is not open to others by the option that a program has set', async () => {
    const reservation = reserve({ protocol: 'udp' });
    const script =
      'import socket; socket.socket(fileno=3).setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)';
    const child = reservation.spawn('python3', ['-c', script], { pass: 'fd', stdio: 'inherit' });
    expect(await ended(child)).toEqual([0, null]);
    expect(bindWith('SO_REUSEADDR', reservation.port, { type: SOCK_DGRAM })).toBe('EADDRINUSE');
  });

  test(
    'is still held when its server has locked the filter',
    linuxOnly('SO_LOCK_FILTER'),
    async () => {
      const reservation = reserve({ protocol: 'udp' });
      const socket = createSocket('udp4');
      await reservation.bind(socket);
      setOption(socket, 'SO_LOCK_FILTER', true);
      socket.close();
      await once(socket, 'close');
      expect(reservation.state).toBe('held');
    },
  );
});

describe('when somebody else has closed a descriptor of the reservation', needsIpv6, () => {
  /** A reservation on both loopback addresses, and its descriptors: IPv4 before IPv6. */
  function reserveBoth(): [PortReservation, number, number] {
    const before = openSockets();
    const reservation = reserve({ host: 'localhost' });
    const [ipv4, ipv6] = openSockets().filter((fd) => !before.includes(fd));
    if (ipv4 === undefined || ipv6 === undefined) throw new Error('no descriptors');
    return [reservation, ipv4, ipv6];
  }

  test('release closes the others, says so, and tells ready', unixOnly('/dev/fd'), async () => {
    const [reservation, ipv4] = reserveBoth();
    reservation.share();
    const waiting = rejection(reservation.ready());
    binding.close(ipv4);
    expect(thrown(() => reservation.release())).toMatchObject(systemErrorLike('close', 'EBADF'));
    expect(await waiting).toMatchObject({ code: 'ERR_RESERVATION_RELEASED' });
    expect(bindWith(undefined, reservation.port, { family: AF_INET6 })).toBe('Success');
  });

  test('share opens the port on no address', unixOnly('/dev/fd'), () => {
    const [reservation, , ipv6] = reserveBoth();
    binding.close(ipv6);
    expect(thrown(() => reservation.share())).toMatchObject({ code: 'EBADF' });
    expect(bindWith('SO_REUSEADDR', reservation.port)).toBe('EADDRINUSE');
    expect(reservation.state).toBe('held');
  });
});

test('a server that takes no listeners is not served', async () => {
  const reservation = reserve({ host: '127.0.0.1' });
  const server = createServer();
  Object.defineProperty(server, 'once', { value: undefined });
  expect(await rejection(reservation.listen(server))).toBeInstanceOf(TypeError);
  expect(reservation.state).toBe('held');
  using client = new SocketHandle();
  expect(thrown(() => client.connect('127.0.0.1', reservation.port))).toMatchObject({
    code: 'ECONNREFUSED',
  });
});

test('a port that could not be bound again is lost, and held when it is served again', async () => {
  const reservation = reserve({ host: '127.0.0.1', strategy: 'release' });
  const server = createServer();
  const thief = new SocketHandle();
  // Before the reservation hears of it.
  server.once('close', () => thief.bind('127.0.0.1', reservation.port));
  await reservation.listen(server);
  server.close();
  await once(server, 'close');
  expect(reservation.state).toBe('lost');
  expect(await rejection(reservation.listen(createServer()))).toMatchObject({
    code: 'EADDRINUSE',
  });
  expect(reservation.state).toBe('lost');
  thief.close();
  const next = createServer();
  await reservation.listen(next);
  expect(reservation.state).toBe('listening');
  next.close();
  await once(next, 'close');
  expect(reservation.state).toBe('held');
});
