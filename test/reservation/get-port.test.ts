import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';
import * as theirs from 'get-port';
import { afterEach, describe, expect, test } from 'vitest';
import { reservePort } from '../../src/index';
import * as ours from '../../src/reservation/get-port';
import { freePort, quietPorts } from '../support/free-port';
import { linuxOnly, unixOnly } from '../support/platform';
import { ask, node, thieves } from '../support/reservations';
import { serverSaying } from '../support/servers';

const { getPort, portNumbers, clearLockedPorts } = ours;
const sh = unixOnly('started by /bin/sh');

afterEach(clearLockedPorts);

/** Has a plain server of this process listen, as the users of get-port do. */
async function listen(port: number, host?: string): Promise<Server> {
  const server = serverSaying('mine').listen({ port, host });
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** Several ports that nobody has. */
function freePorts(count: number): number[] {
  const ports = quietPorts();
  const reservations = Array.from({ length: count }, () => reservePort({ port: ports }));
  for (const reservation of reservations) reservation.release();
  return reservations.map(({ port }) => port);
}

describe.each([
  { name: 'get-port', get: theirs.default, ...theirs },
  { name: 'bindport/get-port', get: ours.getPort, ...ours },
])('as it is documented: $name', ({ get, portNumbers, clearLockedPorts }) => {
  afterEach(clearLockedPorts);

  test('the port can be bound when the promise resolves', async () => {
    const port = await get();
    expect((await listen(port)).address()).toMatchObject({ port });
  });

  test('and bound on 0.0.0.0, for the host 0.0.0.0', async () => {
    const port = await get({ host: '0.0.0.0' });
    expect((await listen(port, '0.0.0.0')).address()).toMatchObject({ port });
  });

  test('and on localhost, for the host localhost', async () => {
    const port = await get({ host: 'localhost' });
    expect((await listen(port, 'localhost')).address()).toMatchObject({ port });
  });

  test('a preferred port is taken when it is free', async () => {
    const port = freePort();
    expect(await get({ port })).toBe(port);
  });

  test('a preferred port on a host is taken when it is free there', async () => {
    const port = freePort();
    expect(await get({ port, host: '127.0.0.1' })).toBe(port);
  });

  test('a preferred port that is not free gives another one', async () => {
    const port = freePort();
    await listen(port);
    expect(await get({ port })).not.toBe(port);
  });

  test('of several the first that is free is taken, whatever the others are bound to', async () => {
    const [everywhere = 0, ipv4 = 0, loopback = 0, free = 0] = freePorts(4);
    await listen(everywhere);
    await listen(ipv4, '0.0.0.0');
    await listen(loopback, '127.0.0.1');
    expect(await get({ port: [everywhere, ipv4, loopback, free] })).toBe(free);
  });

  test('any iterable will do', async () => {
    const port = freePort();
    expect(await get({ port: new Set([port]) })).toBe(port);
  });

  test.each([
    ['0', 0],
    ['NaN', Number.NaN],
    ['undefined', undefined],
  ])('%s is any port', async (_, port) => {
    expect(await Reflect.apply(get, undefined, [{ port }])).toBeGreaterThan(0);
  });

  test('a port is not given twice, whatever the host', async () => {
    const port = freePort();
    expect(await get({ port, host: '127.0.0.1' })).toBe(port);
    expect(await get({ port })).not.toBe(port);
    expect(await get({ port, host: '127.0.0.1', reserve: true })).not.toBe(port);
  });

  test('but it is after clearLockedPorts()', async () => {
    const port = freePort();
    expect(await get({ port, reserve: true })).toBe(port);
    clearLockedPorts();
    expect(await get({ port })).toBe(port);
  });

  test('an excluded port is not taken', async () => {
    const [excluded = 0, other = 0] = freePorts(2);
    expect(await get({ port: [excluded, other], exclude: [excluded, -1, 0.5e6] })).toBe(other);
  });

  test('with 0 excluded there is no other port', async () => {
    const port = freePort();
    await listen(port);
    await expect(get({ port, exclude: [0] })).rejects.toThrow(/no available ports found/i);
  });

  test('portNumbers gives the range, both ends included', () => {
    expect([...portNumbers(1024, 1024)]).toEqual([1024]);
    expect([...portNumbers(65533, 65535)]).toEqual([65533, 65534, 65535]);
  });

  test.each([
    ['from is no number', ['abc', 3000], TypeError],
    ['to is no number', [3000, 'abc'], TypeError],
    ['from is no integer', [3000.5, 3001], TypeError],
    ['from is below 1024', [1023, 1024], RangeError],
    ['from is above 65535', [65536, 65536], RangeError],
    ['to is below 1024', [1024, 1023], RangeError],
    ['to is above 65535', [65535, 65537], RangeError],
    ['from is above to', [1025, 1024], RangeError],
  ])('portNumbers refuses a range where %s', (_, range, kind) => {
    expect(() => Reflect.apply(portNumbers, undefined, range)).toThrow(kind);
  });

  test.each([
    ['an exclude that is no iterable', { exclude: 42 }, TypeError],
    ['an exclude with a string', { exclude: ['foo'] }, TypeError],
    ['an exclude with NaN', { exclude: [Number.NaN] }, TypeError],
    ['an exclude with a fraction', { exclude: [3000.5] }, TypeError],
    ['a port above 65535', { port: 65536 }, RangeError],
    ['a negative port', { port: -1 }, RangeError],
  ])('refuses %s', async (_, options, kind) => {
    await expect(Reflect.apply(get, undefined, [options])).rejects.toThrow(kind);
  });

  test.each([
    ['a name that is none', 'no-such-host.invalid', /^E(NOTFOUND|AI_AGAIN)$/],
    ["an address that is not this machine's", '192.0.2.1', /^EADDRNOTAVAIL$/],
  ])('rejects for %s', async (_, host, code) => {
    const error = { code: expect.stringMatching(code) };
    await expect(get({ host })).rejects.toMatchObject(error);
  });
});

describe('a port of bindport/get-port', () => {
  test(
    'is had by nobody who does not ask for it by number with SO_REUSEADDR',
    linuxOnly('elsewhere another strategy keeps it'),
    async () => {
      const { reuseAddress, ...others } = await thieves(await getPort());
      expect(others).toEqual({
        none: ['EADDRINUSE'],
        reusePort: ['EADDRINUSE'],
        both: ['TOOK'],
      });
      expect(reuseAddress).toEqual(['TOOK']);
    },
  );

  test(
    'is closed and listened on again, by this process and by a child, with connections left',
    sh,
    async () => {
      const port = await getPort();
      for (const host of [undefined, '127.0.0.1', '0.0.0.0', undefined]) {
        const server = await listen(port, host);
        expect(await ask(port)).toBe('mine');
        await close(server);
      }
      const script = `
      const server = require('net').createServer((client) => client.end('child')).listen(${port}, () => {
        require('net').connect(${port}, '127.0.0.1').on('data', (text) => console.log(String(text))).on('end', () => server.close());
      });`;
      expect(await node(script)).toBe('child');
      const again = await listen(port);
      expect(await ask(port)).toBe('mine');
      await close(again);
    },
  );

  test(
    'is given to one of many that ask at once, in all processes',
    unixOnly('Windows has no shared ports'),
    async () => {
      const preferred = freePorts(20);
      const script = `
      const getPort = require('bindport/get-port');
      Promise.all(${JSON.stringify(preferred)}.map((port) => getPort({ port }))).then((ports) => {
        console.log(JSON.stringify(ports));
        process.stdin.resume();
      });`;
      const children = Array.from({ length: 3 }, () =>
        spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
      );
      const answers = await Promise.all(
        children.map(async ({ stdout }) => JSON.parse(String((await once(stdout, 'data'))[0]))),
      );
      for (const { stdin } of children) stdin.end();
      const own = await Promise.all(preferred.map((port) => getPort({ port })));
      const all = [...answers.flat(), ...own];
      expect(new Set(answers.flat()).size).toBe(60);
      expect(preferred.every((port) => all.includes(port))).toBe(true);
    },
  );

  test('stays reserved when nothing refers to it, and ends with the process', sh, async () => {
    const answer = await node(`
      process.on('warning', ({ message }) => console.log(message));
      const getPort = require('bindport/get-port');
      getPort().then(async (port) => {
        gc();
        await new Promise(setImmediate);
        try { new bindport.SocketHandle().bind('127.0.0.1', port); console.log('TOOK'); }
        catch ({ code }) { console.log(code); }
      });`);
    expect(answer).toBe('EADDRINUSE');
  });

  test(
    'is another one when a preferred one needs a privilege, alone or in a list',
    unixOnly('Windows has no such ports'),
    async () => {
      const answer = await node(`
        const { readFileSync } = require('fs');
        const getPort = require('bindport/get-port');
        if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
        let first = 1024;
        try { first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')); } catch {}
        const free = bindport.reservePort();
        const { port } = free;
        free.release();
        (async () => {
          console.log(await getPort({ port: first - 1 }) >= first);
          console.log(await getPort({ port: [first - 1, first - 2, port] }) === port);
        })();`);
      expect(answer).toBe('true\ntrue');
    },
  );

  test('is not an excluded one either when the kernel chooses: portNumbers can be excluded', async () => {
    const exclude = portNumbers(1024, 60000);
    expect(await getPort({ exclude })).toBeGreaterThan(60000);
  });

  test('comes from a range that may be given again', async () => {
    const from = freePort();
    const range = portNumbers(from, 65535);
    const first = await getPort({ port: range });
    expect(await getPort({ port: range })).toBeGreaterThan(first);
  });

  test('is read from a generator only as far as needed, and the generator is ended', async () => {
    const read: unknown[] = [];
    const port = freePort();
    const ports = function* () {
      try {
        for (;;) yield port;
      } finally {
        read.push('ended');
      }
    };
    expect(await getPort({ port: ports() })).toBe(port);
    expect(read).toEqual(['ended']);
  });

  test('takes descriptors, which clearLockedPorts closes', sh, async () => {
    const answer = await node(`
      const { default: getPort, clearLockedPorts } = require('bindport/get-port');
      const open = () => require('fs').readdirSync('/dev/fd').length;
      getPort().then(async () => {
        clearLockedPorts();
        const before = open();
        await Promise.all([getPort(), getPort({ host: 'localhost' })]);
        const taken = open();
        clearLockedPorts();
        console.log(taken > before, open() === before);
      });`);
    expect(answer).toBe('true true');
  });

  test.each([
    ['no options, but a number', [3000]],
    ['a port that is a string', [{ port: '3000' }]],
    ['a port in a list that is a string', [{ port: ['3000'] }]],
    ['a host that is a number', [{ host: 1 }]],
  ])('is refused for %s', async (_, args) => {
    await expect(Reflect.apply(getPort, undefined, args)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });
});
