import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  constants,
  type PortReservation,
  reservePort,
  SocketHandle,
  setOption,
} from '../../src/index';
import { openSockets } from '../support/descriptors';
import { hasIpv6 } from '../support/network';
import { linuxOnly } from '../support/platform';
import { ended } from '../support/reservations';
import { expectNothingStolen } from '../support/thief';

const { AF_INET, AF_INET6, SOCK_DGRAM } = constants;

const hosts = ['127.0.0.1', '0.0.0.0', ...(hasIpv6 ? ['::1', '::'] : [])];

function reserve(host: string): PortReservation {
  const reservation = reservePort({ protocol: 'udp', host });
  onTestFinished(() => reservation.release());
  return reservation;
}

function datagramSocket(host: string): Socket {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  let open = true;
  socket.once('close', () => {
    open = false;
  });
  onTestFinished(() => {
    if (open) socket.close();
  });
  return socket;
}

/** What a thief gets who sets all that helps. */
function steal(host: string, port: number): string {
  using thief = new SocketHandle(host.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM);
  thief.setOption('SO_REUSEADDR', true);
  thief.setOption('SO_REUSEPORT', true);
  try {
    thief.bind(host, port);
    return 'Success';
  } catch (error) {
    return String(Reflect.get(Object(error), 'code'));
  }
}

/** Sends from many ports, whose hashes would spread the datagrams over a group of sockets. */
async function sendFromManyPorts(host: string, port: number, count: number): Promise<void> {
  const to = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  for (let i = 0; i < count; i++) {
    const sender = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    await new Promise((sent) => sender.send('x', port, to, sent));
    sender.close();
  }
}

describe('a UDP port whose server lets others in', linuxOnly('SO_REUSEPORT is per user'), () => {
  test.each(hosts)(
    'is refused to them, and the server gets every datagram, on %s',
    async (host) => {
      const reservation = reserve(host);
      const socket = datagramSocket(host);
      await reservation.bind(socket);
      setOption(socket, 'SO_REUSEADDR', true);
      setOption(socket, 'SO_REUSEPORT', true);
      expect(steal(host, reservation.port)).toBe('EADDRINUSE');
      let received = 0;
      const all = new Promise<void>((resolve) => {
        socket.on('message', () => {
          received += 1;
          if (received === 40) resolve();
        });
      });
      await sendFromManyPorts(host, reservation.port, 40);
      await all;
    },
  );

  test('is refused to them while a Node program serves the descriptor, and afterwards', async () => {
    const reservation = reserve('127.0.0.1');
    const script = `
      const socket = require('dgram').createSocket('udp4');
      socket.on('message', (message, { port }) => socket.send(message, port));
      socket.bind({ fd: 3 }, () => console.log('receives'));
      process.stdin.resume().on('end', () => socket.close());
    `;
    const child = reservation.spawn(process.execPath, ['-e', script], {
      pass: 'fd',
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const end = ended(child);
    if (!child.stdout || !child.stdin) throw new Error('no pipes');
    await once(child.stdout, 'data');
    await expectNothingStolen(reservation.port, 'SOCK_DGRAM');
    const client = datagramSocket('127.0.0.1');
    client.send('hello', reservation.port, '127.0.0.1');
    const [answer] = await once(client, 'message');
    expect(String(answer)).toBe('hello');
    child.stdin.end();
    expect(await end).toEqual([0, null]);
    expect(reservation.state).toBe('held');
    await expectNothingStolen(reservation.port, 'SOCK_DGRAM');
  });

  test('costs no descriptor once it is released', async () => {
    const before = openSockets();
    const reservation = reserve('127.0.0.1');
    for (const _ of [1, 2]) {
      const socket = datagramSocket('127.0.0.1');
      await reservation.bind(socket);
      socket.close();
      await once(socket, 'close');
    }
    reservation.release();
    expect(openSockets()).toEqual(before);
  });
});
