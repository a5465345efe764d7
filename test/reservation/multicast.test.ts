import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { adopt, constants, reservePort, SocketHandle, setOption } from '../../src/index';
import { freePort } from '../support/free-port';
import { needsIpv6 } from '../support/network';
import { isLinux, linuxOnly, runWhen } from '../support/platform';

const linux = linuxOnly('elsewhere a socket does not leave its groups');

/** A group of RFC 2365 (administratively scoped) that no other test is in. */
function group4(): string {
  const byte = () => 1 + Math.floor(Math.random() * 254);
  return `239.${byte()}.${byte()}.${byte()}`;
}

const byLoopback = { address: '127.0.0.1', interface: '127.0.0.1' };

function socket4(): Socket {
  const socket = createSocket('udp4');
  onTestFinished(() => {
    try {
      socket.close();
    } catch {
      // Closed by its test.
    }
  });
  return socket;
}

async function close(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}

/** A sender whose datagrams to groups go out through the loopback interface. */
async function sender(): Promise<Socket> {
  const socket = socket4().bind(0, byLoopback.address);
  await once(socket, 'listening');
  socket.setMulticastInterface(byLoopback.interface);
  return socket;
}

function send(from: Socket, text: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) =>
    from.send(text, port, address, (error) => (error ? reject(error) : resolve())),
  );
}

async function heardBy(socket: Socket): Promise<string> {
  const [data] = await once(socket, 'message');
  return String(data);
}

describe('a reserved port in a multicast group', linux, () => {
  test('is in it again with the next socket, which joins it anew', async () => {
    await using reservation = reservePort({ protocol: 'udp', host: '0.0.0.0' });
    const group = group4();
    const from = await sender();
    for (const text of ['first', 'second', 'third']) {
      const socket = socket4();
      await reservation.bind(socket);
      socket.addMembership(group, byLoopback.interface);
      const heard = heardBy(socket);
      await send(from, text, reservation.port, group);
      expect(await heard).toBe(text);
      await close(socket);
    }
  });

  test('is out of it with a next socket that does not join it', async () => {
    await using reservation = reservePort({ protocol: 'udp', host: '0.0.0.0' });
    const group = group4();
    const from = await sender();
    const first = socket4();
    await reservation.bind(first);
    first.addMembership(group, byLoopback.interface);
    await close(first);
    const second = socket4();
    await reservation.bind(second);
    const heard = heardBy(second);
    await send(from, 'to the group', reservation.port, group);
    await send(from, 'to it alone', reservation.port, '127.0.0.1');
    expect(await heard).toBe('to it alone');
  });

  test('may have been in it for one sender, and without a name for the interface', async () => {
    await using reservation = reservePort({ protocol: 'udp', host: '0.0.0.0' });
    const group = group4();
    for (let round = 0; round < 2; round++) {
      const socket = socket4();
      await reservation.bind(socket);
      socket.addSourceSpecificMembership('127.0.0.2', group, byLoopback.interface);
      socket.addSourceSpecificMembership('127.0.0.1', group, byLoopback.interface);
      await close(socket);
    }
    const socket = socket4();
    await reservation.bind(socket);
    socket.addMembership(group, byLoopback.interface);
  });

  test('is in groups of IPv6 again, too', needsIpv6, async () => {
    await using reservation = reservePort({ protocol: 'udp', host: '::' });
    for (let round = 0; round < 2; round++) {
      const socket = createSocket('udp6');
      await reservation.bind(socket);
      setOption(socket, 'IPV6_JOIN_GROUP', { address: 'ff01::b1:2d', interface: 'lo' });
      setOption(socket, 'IP_ADD_MEMBERSHIP', { address: '239.9.8.7', interface: 'lo' });
      await close(socket);
    }
  });
});

describe('two sockets on one port in one group', () => {
  const both = runWhen(isLinux, 'other systems want SO_REUSEPORT, too');

  test.each(['0.0.0.0', 'the group'])(
    'on %s each need SO_REUSEADDR, and both hear all',
    both,
    async (where) => {
      const group = group4();
      const port = freePort();
      const handle = () => new SocketHandle(constants.AF_INET, constants.SOCK_DGRAM);
      const sockets: Socket[] = [];
      for (let i = 0; i < 2; i++) {
        const bound = handle();
        bound.setOption('SO_REUSEADDR', true);
        bound.bind(where === 'the group' ? group : where, port);
        const socket = socket4();
        await adopt(socket, bound);
        socket.addMembership(group, byLoopback.interface);
        sockets.push(socket);
      }
      using late = handle();
      expect(() => late.bind('0.0.0.0', port)).toThrow(
        expect.objectContaining({ code: 'EADDRINUSE' }),
      );
      const heard = Promise.all(sockets.map(heardBy));
      await send(await sender(), 'to all', port, group);
      expect(await heard).toEqual(['to all', 'to all']);
    },
  );
});
