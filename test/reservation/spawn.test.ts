import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { type PassedAs, reservePort, type Strategy } from '../../src/index';
import { fixture } from '../support/paths';
import { isWindows, linuxOnly, unixOnly } from '../support/platform';
import { allRefused, ask, ended, thieves } from '../support/reservations';

const coded = (code: string) => expect.objectContaining({ code });
const echoServer = [fixture('reservation/echo-server.cjs'), '{port}'];
const python = (name: string, ...args: string[]) => [fixture(name), ...args];

describe('a program on a shared port', () => {
  test('gets the port in its arguments and in PORT', async () => {
    using reservation = reservePort();
    const args = Object.freeze([
      '-e',
      'console.log(process.env.PORT, process.env.MORE, process.argv[1])',
      'at={port},{port}',
    ]);
    const options = Object.freeze({ env: Object.freeze({ ...process.env, MORE: 'more' }) });
    const child = reservation.spawn(process.execPath, args, options);
    const { port } = reservation;
    expect(child.stdout && (await text(child.stdout))).toBe(`${port} more at=${port},${port}\n`);
    expect(args[2]).toBe('at={port},{port}');
    expect(reservation.state).toBe('shared');
  });

  test('is started without arguments, as by child_process: options may come second', async () => {
    using reservation = reservePort();
    const env = { ...process.env, MORE: 'more' };
    const child = reservation.spawn(process.execPath, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin?.end('console.log(process.env.PORT, process.env.MORE)');
    expect(child.stdout && (await text(child.stdout))).toBe(`${reservation.port} more\n`);
  });

  test('gets the variables that its environment inherits, as from child_process', async () => {
    using reservation = reservePort();
    const env = Object.create({ ...process.env, PORT: '1', MORE: 'more' });
    const script = 'console.log(process.env.PORT, process.env.MORE)';
    const child = reservation.spawn(process.execPath, ['-e', script], { env });
    expect(child.stdout && (await text(child.stdout))).toBe(`${reservation.port} more\n`);
  });

  test('is ready once it listens', async () => {
    using reservation = reservePort();
    const child = reservation.spawn(process.execPath, echoServer);
    expect(await reservation.ready()).toEqual({
      address: '127.0.0.1',
      family: 'IPv4',
      port: reservation.port,
    });
    expect(await ask(reservation.port)).toBe(String(child.pid));
    child.kill();
    await ended(child);
  });

  test(
    'is found where it listens: on ::1 alone',
    unixOnly('the port is held meanwhile; there it is released'),
    async () => {
      using reservation = reservePort();
      const child = reservation.spawn(process.execPath, [...echoServer, '::1']);
      expect(await reservation.ready()).toMatchObject({ address: '::1', family: 'IPv6' });
      child.kill();
      await ended(child);
    },
  );

  test('keeps its port when it is killed and started again 100 times', {
    ...unixOnly('its other programs are written in Python'),
    timeout: 120_000,
  }, async () => {
    using reservation = reservePort();
    for (let i = 0; i < 100; i++) {
      const child = reservation.spawn(process.execPath, echoServer);
      await reservation.ready();
      // The server closes first: each round leaves a connection in TIME_WAIT.
      expect(await ask(reservation.port)).toBe(String(child.pid));
      child.kill('SIGKILL');
      expect(await ended(child)).toEqual([null, 'SIGKILL']);
    }
    reservation.unshare();
    expect(await thieves(reservation.port)).toEqual(allRefused);
  });

  test('keeps its port through a crash of its own', unixOnly('SIGABRT'), async () => {
    using reservation = reservePort();
    const crash = `require('net').createServer(() => process.abort()).listen(process.argv[1])`;
    for (let i = 0; i < 3; i++) {
      const child = reservation.spawn(process.execPath, ['-e', crash, '{port}'], {
        stdio: 'ignore',
      });
      await reservation.ready();
      // Reset or ended: the kernel closes what the program had, read or not.
      await Promise.allSettled([ask(reservation.port)]);
      expect(await ended(child)).toEqual([null, 'SIGABRT']);
      expect(reservation.state).toBe('shared');
    }
  });

  test(
    'without SO_REUSEADDR finds the address in use; ready says what to do',
    unixOnly('its other programs are written in Python'),
    async () => {
      using reservation = reservePort();
      const child = reservation.spawn(
        'python3',
        python('reservation/stubborn_server.py', '{port}'),
      );
      const message = child.stderr && text(child.stderr);
      await expect(reservation.ready()).rejects.toThrow(
        expect.objectContaining({
          code: 'ERR_RESERVATION_PROGRAM_EXITED',
          message: expect.stringMatching(/exited with status 1 .*SO_REUSEADDR.*pass: 'fd'/),
        }),
      );
      expect(await message).toContain('bind: Address already in use');
    },
  );

  test.each<[string, PassedAs, Strategy, RegExp]>([
    ['guarded, on Linux', 'port', 'bound', /SO_REUSEADDR: start it with pass: 'guarded', or /],
    ['the socket itself', 'port', 'connected-pair', /SO_REUSEADDR: pass it the socket itself/],
    ['nothing where the port is free', 'port', 'release', /port \d+\. Its output says more$/],
    ['nothing where it was guarded', 'guarded', 'bound', /port \d+\. Its output says more$/],
  ])(
    'is told to be given %s',
    linuxOnly('elsewhere there are other ways'),
    async (_, pass, strategy, advice) => {
      using reservation = reservePort({ strategy });
      reservation.spawn('false', [], { pass });
      await expect(reservation.ready()).rejects.toThrow(advice);
    },
  );
});

describe(
  'a program that gets the socket itself',
  unixOnly('no program there takes a SOCKET that it inherits'),
  () => {
    test.each<PassedAs>(['fd', 'systemd'])(
      'serves on it (%s), however it is written',
      async (pass) => {
        using reservation = reservePort();
        const args = python('reservation/inherited_server.py', 'a b', '$HOME', '{port}');
        const child = reservation.spawn('python3', args, { pass });
        expect(await reservation.ready()).toMatchObject({ port: reservation.port });
        expect(reservation.state).toBe('listening');
        expect(JSON.parse(await ask(reservation.port))).toEqual({
          pid: pass === 'systemd',
          fds: pass === 'systemd' ? '1' : null,
          names: pass === 'systemd' ? 'tcp' : null,
          port: String(reservation.port),
          arguments: ['a b', '$HOME', String(reservation.port)],
          listening: 1,
          blocking: true,
        });
        expect(await thieves(reservation.port)).toEqual(allRefused);
        child.kill();
        await ended(child);
        expect(reservation.state).toBe('held');
      },
    );

    test(
      'can be restarted, and followed by a server of this process',
      unixOnly('its other programs are written in Python'),
      async () => {
        using reservation = reservePort();
        for (let i = 0; i < 3; i++) {
          const child = reservation.spawn('python3', python('reservation/inherited_server.py'), {
            pass: 'fd',
          });
          expect(JSON.parse(await ask(reservation.port))).toMatchObject({ listening: 1 });
          child.kill('SIGKILL');
          await ended(child);
        }
        const server = createServer((socket) => socket.resume().end('here'));
        await reservation.listen(server);
        expect(await ask(reservation.port)).toBe('here');
        server.close();
      },
    );

    test('is Node, too', async () => {
      using reservation = reservePort();
      const script = `require('net').createServer((s) => s.resume().end('node')).listen({ fd: 3 })`;
      const child = reservation.spawn(process.execPath, ['-e', script], { pass: 'fd' });
      expect(await ask(reservation.port)).toBe('node');
      child.kill();
      await ended(child);
    });

    test('gets one descriptor for each address and protocol, with the names given', async () => {
      using reservation = reservePort({ host: 'localhost', protocol: 'both' });
      const script = `
      const { readlinkSync } = require('fs');
      const sockets = [3, 4, 5, 6, 7].map((fd) => { try { return readlinkSync('/proc/self/fd/' + fd).split(':')[0] } catch { return null } });
      console.log(JSON.stringify([process.env.LISTEN_FDS, process.env.LISTEN_FDNAMES, process.env.LISTEN_PID == process.pid, sockets.slice(0, 4)]));
    `;
      const child = reservation.spawn(process.execPath, ['-e', script], {
        pass: 'systemd',
        names: ['a', 'b', 'c', 'd'],
      });
      expect(JSON.parse((child.stdout && (await text(child.stdout))) ?? '')).toEqual([
        '4',
        'a:b:c:d',
        true,
        ['socket', 'socket', 'socket', 'socket'],
      ]);
    });

    test('gets one socket for an address and those that it covers', async () => {
      using reservation = reservePort({ host: ['127.0.0.1', '0.0.0.0', '::1'] });
      const child = reservation.spawn('sh', ['-c', 'echo $LISTEN_FDS'], { pass: 'systemd' });
      expect(child.stdout && (await text(child.stdout))).toBe('2\n');
    });

    test('answers datagrams', unixOnly('its other programs are written in Python'), async () => {
      using reservation = reservePort({ protocol: 'udp' });
      const child = reservation.spawn('python3', python('reservation/inherited_udp.py'), {
        pass: 'fd',
      });
      const { createSocket } = await import('node:dgram');
      const socket = createSocket('udp4');
      const answer = once(socket, 'message');
      socket.send('hello', reservation.port, '127.0.0.1');
      expect(String((await answer)[0])).toBe('HELLO');
      socket.close();
      child.kill();
      await ended(child);
    });

    test.each(['tcp', 'udp'] as const)(
      'may leave it to another process, which has the port then: %s',
      linuxOnly('who has a socket of another process'),
      async (protocol) => {
        using reservation = reservePort({ protocol });
        const child = reservation.spawn('python3', python('reservation/heir.py'), { pass: 'fd' });
        const output = child.stdout && createInterface(child.stdout);
        const [pid] = (output && (await once(output, 'line'))) ?? [];
        expect(await ended(child)).toEqual([0, null]);
        expect(reservation.state).toBe('listening');
        const again = () => reservation.spawn('true', { pass: 'fd' });
        expect(again).toThrow(coded('ERR_RESERVATION_LISTENING'));
        process.kill(Number(pid), 'SIGUSR1');
        if (output) await once(output, 'close');
        expect(reservation.state).toBe('held');
        expect(await ended(again())).toEqual([0, null]);
      },
    );

    test(
      'gives the port back when it could not be started',
      unixOnly('its other programs are written in Python'),
      async () => {
        using reservation = reservePort();
        const child = reservation.spawn('/nonexistent', [], { pass: 'fd' });
        expect((await once(child, 'error'))[0]).toMatchObject({ code: 'ENOENT' });
        expect(reservation.state).toBe('held');
        expect(await thieves(reservation.port)).toEqual(allRefused);
      },
    );
  },
);

describe('spawn', () => {
  test.each([
    ['no command', [undefined]],
    ['arguments that are no strings', ['true', [1]]],
    ['arguments that are no array', ['true', '{port}']],
    ['options that are none', ['true', [], null]],
    ['options in place of the arguments, and arguments', ['true', {}, []]],
    ['no arguments, and options that are none', ['true', undefined, null]],
    ['options without arguments that are wrong', ['true', { pass: 'pipe' }]],
    ['an unknown way to pass the port', ['true', [], { pass: 'pipe' }]],
    ['a name with a colon', ['true', [], { pass: 'systemd', names: ['a:b'] }]],
    ['names that are no array', ['true', [], { pass: 'systemd', names: 'ab' }]],
    ['a name with a control character', ['true', [], { pass: 'systemd', names: ['a\x7f'] }]],
    ['more names than sockets', ['true', [], { pass: 'systemd', names: ['a', 'b'] }]],
    ['fewer names than sockets', ['true', [], { pass: 'systemd', names: [] }]],
    ['a shell for socket activation', ['true', [], { pass: 'systemd', shell: true }]],
    ['a descriptor where the sockets go', ['true', [], { pass: 'fd', stdio: [0, 1, 2, 'pipe'] }]],
  ])(
    'refuses %s, and leaves the port as it was',
    unixOnly('its other programs are written in Python'),
    async (_, args) => {
      using reservation = reservePort();
      expect(() => Reflect.apply(reservation.spawn, reservation, args)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_INVALID_ARG/) }),
      );
      expect(reservation.state).toBe('held');
      expect(await thieves(reservation.port)).toEqual(allRefused);
    },
  );
});

test.each(['udp', 'both'] as const)(
  'spawn by number refuses %s, says what to do, and leaves the port as it was',
  (protocol) => {
    using reservation = reservePort({ protocol });
    expect(() => reservation.spawn(process.execPath, ['-e', ''])).toThrow(
      expect.objectContaining({
        code: 'ERR_RESERVATION_PROTOCOL',
        message: expect.stringMatching(
          isWindows ? /UDP.*: reserve TCP alone/ : /UDP.*pass: 'fd' or 'systemd'/,
        ),
      }),
    );
    expect(reservation.state).toBe('held');
  },
);

test('a port of both protocols can be shared for TCP alone', () => {
  using reservation = reservePort({ protocol: 'both' });
  expect(reservation.share()).toBe(reservation.port);
  expect(reservation.state).toBe('shared');
});

describe('a program whose errors nobody listens for', () => {
  test('throws none: ready tells that it could not be started', async () => {
    using reservation = reservePort();
    reservation.spawn('/nonexistent');
    await expect(reservation.ready()).rejects.toThrow(coded('ENOENT'));
  });

  test('throws none when it can not be killed, however often', async () => {
    using reservation = reservePort();
    const child = reservation.spawn(process.execPath, ['-e', '']);
    for (let i = 0; i < 2; i++) child.emit('error', new Error('kill EPERM'));
    expect(await ended(child)).toEqual([0, null]);
  });
});
