import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, createServer as createHttpServer, get } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type PortReservation, reservePort } from '../../src/index';
import { credentials } from '../support/credentials';
import { needsIpv6 } from '../support/network';
import { notInWine, unixOnly } from '../support/platform';
import { allRefused, ask, node, thieves } from '../support/reservations';
import { serverSaying } from '../support/servers';

const LOOPBACKS = ['127.0.0.1', '::1'] as const;

/** A connection to the address, once the server has it too. */
async function clientOf(server: Server, port: number, host: string): Promise<[Socket, Socket]> {
  const accepted = once(server, 'connection');
  const client = connect({ port, host });
  onTestFinished(() => {
    client.destroy();
  });
  const [socket] = await accepted;
  return [client, socket];
}

async function refused(port: number, host: string): Promise<unknown> {
  return await ask(port, host).catch((error) => error.code);
}

function localhost(): PortReservation {
  return reservePort({ host: 'localhost' });
}

describe('a server on localhost', needsIpv6, () => {
  test('is reached on both loopback addresses', async () => {
    await using reservation = localhost();
    const server = serverSaying('here');
    const first = { address: '127.0.0.1', family: 'IPv4', port: reservation.port };
    expect(await reservation.listen(server)).toEqual(first);
    expect(server.address()).toEqual(first);
    for (const host of LOOPBACKS) expect(await ask(reservation.port, host)).toBe('here');
  });

  test(
    'is refused on both addresses to others, before, meanwhile and afterwards',
    unixOnly('its other programs are written in Python'),
    async () => {
      await using reservation = localhost();
      for (let round = 0; round < 2; round++) {
        const server = serverSaying('here');
        await reservation.listen(server);
        expect(reservation.state).toBe('listening');
        expect(await thieves(reservation.port)).toEqual(allRefused);
        server.close();
        expect(reservation.state).toBe('held');
        for (const host of LOOPBACKS) {
          expect(await refused(reservation.port, host)).toBe('ECONNREFUSED');
        }
      }
    },
  );

  test(
    'is one also where every address is reserved, and on one address if that is asked for',
    unixOnly('without a host Windows reserves 127.0.0.1 alone'),
    async () => {
      await using reservation = reservePort();
      const server = serverSaying('both');
      await reservation.listen(server, { host: 'localhost' });
      for (const host of LOOPBACKS) expect(await ask(reservation.port, host)).toBe('both');
      await using other = localhost();
      await other.listen(serverSaying('one'), { host: '::1' });
      expect(await ask(other.port, '::1')).toBe('one');
      expect(await refused(other.port, '127.0.0.1')).toBe('ECONNREFUSED');
    },
  );

  test('takes neither address when one of them is served', async () => {
    await using reservation = localhost();
    await reservation.listen(serverSaying('six'), { host: '::1' });
    const listening = expect.objectContaining({ code: 'ERR_RESERVATION_LISTENING' });
    await expect(reservation.listen(serverSaying('both'))).rejects.toThrow(listening);
    await reservation.listen(serverSaying('four'), { host: '127.0.0.1' });
    expect(await ask(reservation.port, '::1')).toBe('six');
    expect(await ask(reservation.port)).toBe('four');
  });

  test('is refused where only one of them is reserved', async () => {
    using reservation = reservePort({ host: '127.0.0.1' });
    await expect(reservation.listen(createServer(), { host: 'localhost' })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    });
    expect(reservation.state).toBe('held');
  });

  test('counts, limits and configures the connections of both alike', async () => {
    await using reservation = localhost();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    server.maxConnections = 2;
    await reservation.listen(server);
    const sockets: Socket[] = [];
    for (const host of LOOPBACKS) {
      const [, socket] = await clientOf(server, reservation.port, host);
      expect(socket).toMatchObject({ allowHalfOpen: true, localAddress: host });
      expect(socket.isPaused()).toBe(true);
      sockets.push(socket);
    }
    const count = new Promise((resolve) => server.getConnections((_, found) => resolve(found)));
    expect(await count).toBe(2);
    const dropped = once(server, 'drop');
    const late = connect(reservation.port, '::1').resume();
    expect((await dropped)[0]).toMatchObject({ localAddress: '::1' });
    late.destroy();
    for (const socket of sockets) socket.destroy();
  });

  test('is closed only when the connections of both have ended', async () => {
    await using reservation = localhost();
    const server = createServer();
    await reservation.listen(server);
    const [client, socket] = await clientOf(server, reservation.port, '::1');
    let closed = false;
    const close = once(server, 'close').then(() => {
      closed = true;
    });
    server.close();
    expect(await refused(reservation.port, '::1')).toBe('ECONNREFUSED');
    expect(closed).toBe(false);
    socket.destroy();
    client.destroy();
    await close;
  });

  test('can be closed by a listener of its own event', notInWine('the port is lost'), async () => {
    await using reservation = localhost();
    const server = createServer();
    server.once('listening', () => server.close());
    await reservation.listen(server);
    expect(reservation.state).toBe('held');
    await reservation.listen(serverSaying('next'));
    for (const host of LOOPBACKS) expect(await ask(reservation.port, host)).toBe('next');
  });

  test(
    'keeps a process alive no longer than one on one address',
    unixOnly('started by /bin/sh'),
    async () => {
      const answer = await node(`
        const server = require('net').createServer();
        const reservation = bindport.reservePort({ host: 'localhost' });
        server.unref();
        reservation.listen(server).then(async () => {
          server.ref();
          server.unref();
          console.log('done');
        });`);
      expect(answer).toBe('done');
    },
  );

  test('may be one of http, which closes idle connections of both', async () => {
    await using reservation = localhost();
    const server = createHttpServer((_, response) => response.end('http'));
    await reservation.listen(server);
    const agent = new Agent({ keepAlive: true });
    for (const host of LOOPBACKS) {
      const [response] = await once(get({ host, port: reservation.port, agent }), 'response');
      expect(String(await response.toArray())).toBe('http');
    }
    // It would wait for connections that are kept alive and that it did not know of.
    server.close();
    await once(server, 'close');
    agent.destroy();
  });

  test('may be one of tls and http2', async () => {
    await using reservation = localhost();
    const tls = createTlsServer(credentials, (client) => client.end('tls'));
    await reservation.listen(tls);
    const secure = connectTls({ host: '::1', port: reservation.port, rejectUnauthorized: false });
    expect(String(await secure.toArray())).toBe('tls');
    secure.destroy();
    tls.close();
    await once(tls, 'close');
    const http2 = createHttp2Server((_, response) => response.end('http2'));
    await reservation.listen(http2);
    const session = connectHttp2(reservation.url().replace('localhost', '[::1]'));
    const stream = session.request({ ':path': '/' });
    expect(String(await stream.toArray())).toBe('http2');
    session.close();
  });

  test(
    'is for a dgram socket the loopback address of its family',
    notInWine('a UDP port on 127.0.0.2 is refused beside 127.0.0.1'),
    async () => {
      await using reservation = reservePort({ protocol: 'udp', host: ['127.0.0.2', 'localhost'] });
      const options = { host: 'localhost' };
      expect(await reservation.bind(createSocket('udp6'), options)).toMatchObject({
        address: '::1',
      });
      expect(await reservation.bind(createSocket('udp4'), options)).toMatchObject({
        address: '127.0.0.1',
      });
    },
  );
});
