import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { PortReservation, reservePort } from '../../src/index';
import { freePort } from '../support/free-port';
import { notInWine, unixOnly } from '../support/platform';
import { allRefused, ask, node, thieves } from '../support/reservations';

const coded = (code: string) => expect.objectContaining({ code });

async function send(text: string, port: number): Promise<void> {
  const sender = createSocket('udp4');
  await new Promise<void>((resolve, reject) =>
    sender.send(text, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
  );
  sender.close();
}

async function closed(socket: Socket): Promise<void> {
  socket.close();
  await once(socket, 'close');
}

describe('a held port', () => {
  test(
    'is served by net and http on the address asked for',
    unixOnly('without a host Windows reserves 127.0.0.1 alone'),
    async () => {
      await using reservation = reservePort();
      const server = createServer((socket) => socket.resume().end('net'));
      expect(await reservation.listen(server, { backlog: 5 })).toEqual({
        address: '127.0.0.1',
        family: 'IPv4',
        port: reservation.port,
      });
      expect(reservation.state).toBe('listening');
      const http = createHttpServer((_, response) => response.end('http'));
      expect(await reservation.listen(http, { host: '::1' })).toMatchObject({ address: '::1' });
      expect(await ask(reservation.port)).toBe('net');
      expect(await ask(reservation.port, '::1', 'GET / HTTP/1.0\r\n\r\n')).toContain('http');
    },
  );

  test('is served on both loopback addresses by two servers', async () => {
    await using reservation = reservePort({ host: 'localhost' });
    for (const host of reservation.addresses) {
      await reservation.listen(
        createServer((socket) => socket.resume().end(host)),
        { host },
      );
    }
    for (const host of reservation.addresses) expect(await ask(reservation.port, host)).toBe(host);
  });

  test('refuses an address that is not reserved', async () => {
    using reservation = reservePort({ host: '127.0.0.1' });
    const listening = reservation.listen(createServer(), { host: '::1' });
    await expect(listening).rejects.toThrow(coded('ERR_INVALID_ARG_VALUE'));
    expect(reservation.state).toBe('held');
  });

  test.each(['', 'example.org', '127.0.0.1\0'])(
    'refuses %j as the address, wherever it is reserved',
    async (host) => {
      using reservation = reservePort();
      const listening = reservation.listen(createServer(), { host });
      await expect(listening).rejects.toThrow(coded('ERR_INVALID_ARG_VALUE'));
      expect(reservation.state).toBe('held');
    },
  );

  test('knows an address however it is spelled', async () => {
    await using reservation = reservePort({ host: '::1' });
    const listening = reservation.listen(createServer(), { host: '0:0::1' });
    expect(await listening).toMatchObject({ address: '::1' });
  });

  test(
    'stays held when the server is none, or listens already',
    unixOnly('its other programs are written in Python'),
    async () => {
      await using reservation = reservePort();
      const listening = Reflect.apply(reservation.listen, reservation, [{}]);
      await expect(listening).rejects.toThrow(coded('ERR_INVALID_ARG_TYPE'));
      const busy = createServer().listen(0);
      await once(busy, 'listening');
      await expect(reservation.listen(busy)).rejects.toThrow(coded('ERR_SERVER_ALREADY_LISTEN'));
      busy.close();
      expect(reservation.state).toBe('held');
      expect(await thieves(reservation.port)).toEqual(allRefused);
      await reservation.listen(createServer());
    },
  );

  test('tells its state while a server that is none is refused', async () => {
    using reservation = reservePort();
    const listening = Reflect.apply(reservation.listen, reservation, [null]);
    expect(reservation.state).toBe('held');
    await expect(listening).rejects.toThrow(coded('ERR_INVALID_ARG_TYPE'));
  });

  test('ignores unshare', () => {
    using reservation = reservePort();
    reservation.unshare();
    expect(reservation.state).toBe('held');
  });

  test('is not ready', async () => {
    using reservation = reservePort();
    await expect(reservation.ready()).rejects.toThrow(coded('ERR_RESERVATION_HELD'));
  });
});

describe('a listening port', () => {
  test(
    'refuses a second server, share and spawn',
    unixOnly('descriptors are not passed there'),
    async () => {
      await using reservation = reservePort();
      await reservation.listen(createServer());
      const listening = coded('ERR_RESERVATION_LISTENING');
      await expect(reservation.listen(createServer())).rejects.toThrow(listening);
      expect(() => reservation.share()).toThrow(listening);
      expect(() => reservation.spawn('true')).toThrow(listening);
      expect(() => reservation.spawn('true', [], { pass: 'fd' })).toThrow(listening);
      expect(reservation.state).toBe('listening');
    },
  );

  test('is held again as soon as the server is closed', async () => {
    using reservation = reservePort();
    const server = createServer();
    await reservation.listen(server);
    server.close();
    expect(reservation.state).toBe('held');
    const next = createServer();
    await reservation.listen(next);
    next.close();
  });

  test('is ready', async () => {
    await using reservation = reservePort();
    await reservation.listen(createServer());
    expect(await reservation.ready()).toEqual({
      address: '127.0.0.1',
      family: 'IPv4',
      port: reservation.port,
    });
  });
});

describe('a shared port', () => {
  test('is shared and unshared any number of times', () => {
    using reservation = reservePort();
    for (let i = 0; i < 3; i++) {
      expect(reservation.share()).toBe(reservation.port);
      expect(reservation.share()).toBe(reservation.port);
      expect(reservation.state).toBe('shared');
      reservation.unshare();
      reservation.unshare();
      expect(reservation.state).toBe('held');
    }
  });

  test('refuses servers of this process', async () => {
    using reservation = reservePort();
    reservation.share();
    const listening = reservation.listen(createServer());
    await expect(listening).rejects.toThrow(coded('ERR_RESERVATION_SHARED'));
  });
});

describe('a released port', () => {
  test('refuses everything but release', async () => {
    const reservation = reservePort({ protocol: 'both' });
    reservation.release();
    reservation.release();
    expect(reservation.state).toBe('released');
    expect(reservation.port).toBeGreaterThan(0);
    const released = coded('ERR_RESERVATION_RELEASED');
    expect(() => reservation.share()).toThrow(released);
    expect(() => reservation.unshare()).toThrow(released);
    expect(() => reservation.spawn('true')).toThrow(released);
    await expect(reservation.listen(createServer())).rejects.toThrow(released);
    const socket = createSocket('udp4');
    await expect(reservation.bind(socket)).rejects.toThrow(released);
    socket.close();
    await expect(reservation.ready()).rejects.toThrow(released);
  });

  test('was released by using', () => {
    let seen: PortReservation | undefined;
    {
      using reservation = reservePort();
      seen = reservation;
    }
    expect(seen.state).toBe('released');
    expect(seen).toBeInstanceOf(PortReservation);
  });

  test('was released by await using, after its servers were closed', async () => {
    const server = createServer();
    let seen: PortReservation | undefined;
    {
      await using reservation = reservePort();
      seen = reservation;
      await reservation.listen(server);
    }
    expect(server.listening).toBe(false);
    expect(seen.state).toBe('released');
  });
});

describe('a UDP port', () => {
  test(
    'is served by one dgram socket after another, and nobody gets in',
    unixOnly('its other programs are written in Python'),
    async () => {
      using reservation = reservePort({ protocol: 'udp' });
      expect(await thieves(reservation.port, 'udp')).toEqual(allRefused);
      for (const text of ['first', 'second']) {
        const socket = createSocket('udp4');
        const where = await reservation.bind(socket);
        expect(where).toEqual({ address: '127.0.0.1', family: 'IPv4', port: reservation.port });
        expect(reservation.state).toBe('listening');
        const message = once(socket, 'message');
        await send(text, reservation.port);
        expect(String((await message)[0])).toBe(text);
        expect(await thieves(reservation.port, 'udp')).toEqual(allRefused);
        await closed(socket);
        expect(reservation.state).toBe('held');
      }
      expect(await thieves(reservation.port, 'udp')).toEqual(allRefused);
    },
  );

  test(
    'drops what comes while nobody serves it',
    unixOnly('the port is held by a socket that nobody reads'),
    async () => {
      using reservation = reservePort({ protocol: 'udp' });
      await send('too early', reservation.port);
      const first = createSocket('udp4');
      await reservation.bind(first);
      await closed(first);
      await send('in between', reservation.port);
      const socket = createSocket('udp4');
      await reservation.bind(socket);
      const message = once(socket, 'message');
      await send('in time', reservation.port);
      expect(String((await message)[0])).toBe('in time');
      await closed(socket);
    },
  );

  test('is bound for IPv6 by udp6 sockets', async () => {
    using reservation = reservePort({ protocol: 'udp', host: 'localhost' });
    const socket = createSocket('udp6');
    expect(await reservation.bind(socket)).toMatchObject({ address: '::1' });
    const other = createSocket('udp4');
    expect(await reservation.bind(other)).toMatchObject({ address: '127.0.0.1' });
    await Promise.all([closed(socket), closed(other)]);
  });

  test('refuses a second socket, a wrong family, TCP servers and share', async () => {
    await using reservation = reservePort({ protocol: 'udp' });
    const six = createSocket('udp6');
    await expect(reservation.bind(six)).rejects.toThrow(coded('ERR_SOCKET_BAD_TYPE'));
    six.close();
    await reservation.bind(createSocket('udp4'));
    const second = createSocket('udp4');
    await expect(reservation.bind(second)).rejects.toThrow(coded('ERR_RESERVATION_LISTENING'));
    second.close();
    const protocol = coded('ERR_RESERVATION_PROTOCOL');
    await expect(reservation.listen(createServer())).rejects.toThrow(protocol);
    expect(() => reservation.share()).toThrow(protocol);
    await expect(reservation.ready()).rejects.toThrow(protocol);
    await expect(Reflect.apply(reservation.bind, reservation, [{}])).rejects.toThrow(
      coded('ERR_INVALID_ARG_TYPE'),
    );
  });

  test('is released by await using, whether its socket is closing already or not', async () => {
    const socket = createSocket('udp4');
    const reservation = reservePort({ protocol: 'udp' });
    await reservation.bind(socket);
    const close = vi.fn();
    socket.once('close', close).close();
    await Promise.all([reservation[Symbol.asyncDispose](), reservation[Symbol.asyncDispose]()]);
    expect(close).toHaveBeenCalledOnce();
    expect(reservation.state).toBe('released');
  });

  test('is served to everybody after a socket that was connected', async () => {
    using reservation = reservePort({ protocol: 'udp' });
    const first = createSocket('udp4');
    await reservation.bind(first);
    // Nobody is there: the answer is an error that the next socket must not get.
    first.on('error', () => {}).connect(1, '127.0.0.1');
    await once(first, 'connect');
    await new Promise((sent) => first.send('anybody?', sent));
    await closed(first);
    const socket = createSocket('udp4');
    await reservation.bind(socket);
    const message = once(socket, 'message');
    await send('hello', reservation.port);
    expect(String((await message)[0])).toBe('hello');
    await closed(socket);
  });

  test(
    'is kept when its socket is connected and disconnected',
    notInWine('its kernel is Linux, which forgets a port of its own choice then'),
    async () => {
      using reservation = reservePort({ protocol: 'udp' });
      const socket = createSocket('udp4');
      const { port } = await reservation.bind(socket);
      socket.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.disconnect();
      expect(socket.address().port).toBe(port);
      using other = reservePort({ protocol: 'udp', port });
      expect(other.port).not.toBe(port);
      await closed(socket);
    },
  );

  test('is served on the address that is asked for', unixOnly('127.0.0.2'), async () => {
    await using reservation = reservePort({ protocol: 'udp', host: ['127.0.0.1', '127.0.0.2'] });
    const second = createSocket('udp4');
    expect(await reservation.bind(second, { host: '127.0.0.2' })).toMatchObject({
      address: '127.0.0.2',
    });
    expect(await reservation.bind(createSocket('udp4'))).toMatchObject({ address: '127.0.0.1' });
    const elsewhere = reservation.bind(createSocket('udp4'), { host: '127.0.0.3' });
    await expect(elsewhere).rejects.toThrow(coded('ERR_INVALID_ARG_VALUE'));
  });

  test('is served while programs share the TCP port of the same number, whichever is first', async () => {
    await using reservation = reservePort({ protocol: 'both' });
    const first = createSocket('udp4');
    await reservation.bind(first);
    expect(reservation.share()).toBe(reservation.port);
    expect(reservation.state).toBe('shared');
    await closed(first);
    await reservation.bind(createSocket('udp4'));
    reservation.unshare();
    expect(reservation.state).toBe('listening');
  });

  test('is served beside TCP on one number', async () => {
    await using reservation = reservePort({ protocol: 'both' });
    const [tcp, udp] = await Promise.all([
      reservation.listen(createServer()),
      reservation.bind(createSocket('udp4')),
    ]);
    expect(tcp.port).toBe(udp.port);
  });
});

describe('a forgotten reservation', () => {
  test(
    'is released when it is collected, with one warning',
    unixOnly('its other programs are Unix shells'),
    async () => {
      const answer = await node(
        `
      const seen = [];
      process.on('warning', (w) => seen.push(w));
      let port;
      function forgetful() { port = bindport.reservePort({ port: ${freePort()}, host: 'localhost', protocol: 'both' }).port; }
      forgetful();
      const { setImmediate: turn } = require('node:timers/promises');
      (async () => {
        while (seen.length === 0) { gc(); await turn(); }
        for (let i = 0; i < 20; i++) { gc(); await turn(); }
        const again = bindport.reservePort({ port, host: 'localhost', protocol: 'both' });
        console.log(seen.length, seen[0].code, seen[0].message.includes(port), /forgetful/.test(seen[0].detail.split('\\n')[1]), again.port === port);
      })();
    `,
        { flags: ['--trace-warnings'] },
      );
      expect(answer).toBe('1 BINDPORT_FORGOTTEN_RESERVATION true true true');
    },
  );

  test(
    'is none while a program runs on it',
    unixOnly('its other programs are Unix shells'),
    async () => {
      const answer = await node(`
      const { once } = require('node:events');
      const { setImmediate: turn } = require('node:timers/promises');
      process.once('warning', (w) => console.log(w.code));
      (async () => {
        // Runs until its standard input ends.
        const child = (() => bindport.reservePort().spawn('cat'))();
        for (let i = 0; i < 20; i++) { gc(); await turn(); }
        console.log('running');
        child.stdin.end();
        await once(child, 'close');
      })();
    `);
      expect(answer).toBe('running');
    },
  );

  test.each([
    [
      'a dgram socket receives on it',
      "reservation.bind(require('node:dgram').createSocket('udp4'))",
    ],
    ['a program has its sockets', "reservation.spawn('cat', [], { pass: 'fd' })"],
  ])('is none while %s', unixOnly('its other programs are Unix shells'), async (_, use) => {
    const answer = await node(`
      const { setImmediate: turn } = require('node:timers/promises');
      process.on('warning', (w) => console.log(w.message));
      (async () => {
        await (async () => {
          const reservation = bindport.reservePort({ protocol: 'both' });
          await ${use};
        })();
        for (let i = 0; i < 20; i++) { gc(); await turn(); }
        console.log('no warning');
        process.exit();
      })();
    `);
    expect(answer).toBe('no warning');
  });

  test(
    'is one again when its server has closed',
    unixOnly('its other programs are Unix shells'),
    async () => {
      const answer = await node(`
      const { once } = require('node:events');
      const { setImmediate: turn } = require('node:timers/promises');
      const seen = [];
      process.on('warning', (w) => seen.push(w.code));
      (async () => {
        const server = require('node:net').createServer();
        await (async () => bindport.reservePort().listen(server))();
        for (let i = 0; i < 20; i++) { gc(); await turn(); }
        const before = seen.length;
        server.close();
        await once(server, 'close');
        while (seen.length === 0) { gc(); await turn(); }
        console.log(before, seen.join(), server.listening);
      })();
    `);
      expect(answer).toBe('0 BINDPORT_FORGOTTEN_RESERVATION false');
    },
  );

  test(
    'is none while a server listens on it',
    unixOnly('its other programs are Unix shells'),
    async () => {
      const answer = await node(`
      const { createServer } = require('node:net');
      const { setImmediate: turn } = require('node:timers/promises');
      process.on('warning', (w) => console.log(w.message));
      (async () => {
        const server = createServer();
        const port = await (async () => {
          const reservation = bindport.reservePort();
          await reservation.listen(server);
          return reservation.port;
        })();
        for (let i = 0; i < 20; i++) { gc(); await turn(); }
        console.log('no warning');
        process.exit();
      })();
    `);
      expect(answer).toBe('no warning');
    },
  );
});
