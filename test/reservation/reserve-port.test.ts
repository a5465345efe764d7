import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  type PortReservation,
  portRange,
  type ReserveOptions,
  reservePort,
  reservePorts,
} from '../../src/index';
import { freePort } from '../support/free-port';
import { linuxOnly, unixOnly } from '../support/platform';
import { node } from '../support/reservations';

/** For calls that TypeScript refuses. */
function reserveUnchecked(options: unknown): unknown {
  return Reflect.apply(reservePort, undefined, [options]);
}

function portOf(options?: ReserveOptions): number {
  using reservation = reservePort(options);
  return reservation.port;
}

function releaseAll(reservations: readonly PortReservation[]): void {
  for (const reservation of reservations) reservation.release();
}

describe('what get-port does', () => {
  test('returns an available port', () => {
    expect(portOf()).toBeGreaterThan(0);
    expect(portOf()).toBeLessThan(65536);
  });

  test('takes the preferred port when it is available', () => {
    const port = freePort();
    expect(portOf({ port })).toBe(port);
  });

  test('falls back to another port when the preferred one is taken', () => {
    using taken = reservePort();
    using other = reservePort({ port: taken.port });
    expect(other.port).not.toBe(taken.port);
  });

  test('falls back when a server listens on the preferred port', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(portOf({ port })).not.toBe(port);
    server.close();
  });

  test('takes the first available port of a list', () => {
    using first = reservePort();
    const second = freePort();
    expect(portOf({ port: [first.port, second] })).toBe(second);
  });

  test('falls back when every port of a list is taken', () => {
    const taken = reservePorts(3);
    const port = taken.map((reservation) => reservation.port);
    expect(port).not.toContain(portOf({ port }));
    releaseAll(taken);
  });

  test('takes any iterable: a Set, a generator, a range', () => {
    const port = freePort();
    expect(portOf({ port: new Set([port]) })).toBe(port);
    const other = freePort();
    expect(
      portOf({
        port: (function* () {
          yield other;
        })(),
      }),
    ).toBe(other);
    const from = Math.min(freePort(), 65000);
    const range = portRange(from, from + 100);
    expect([...range]).toContain(portOf({ port: range }));
  });

  test('gives each caller another port of the same list', () => {
    const from = Math.min(freePort(), 65000);
    const port = portRange(from, from + 200);
    const reserved = Array.from({ length: 3 }, () => reservePort({ port }));
    const ports = reserved.map((reservation) => reservation.port);
    expect(new Set(ports).size).toBe(3);
    expect(ports).toEqual(ports.toSorted((a, b) => a - b));
    releaseAll(reserved);
  });

  test('does not return excluded ports, preferred or not', () => {
    const port = freePort();
    expect(portOf({ port, exclude: [port] })).not.toBe(port);
    const both = [port, port + 1];
    expect(both).not.toContain(portOf({ port: both, exclude: both }));
  });

  test('refuses a port and an exclude that are no numbers', () => {
    const wrong = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    expect(() => reserveUnchecked({ port: '3000' })).toThrow(expect.objectContaining(wrong));
    expect(() => reserveUnchecked({ port: ['3000'] })).toThrow(expect.objectContaining(wrong));
    expect(() => reserveUnchecked({ exclude: 3000 })).toThrow(expect.objectContaining(wrong));
    expect(() => reserveUnchecked({ exclude: '3000' })).toThrow(expect.objectContaining(wrong));
    expect(() => reserveUnchecked({ exclude: ['3000'] })).toThrow(expect.objectContaining(wrong));
  });

  test('checks only the host that is given', () => {
    using here = reservePort({ host: '127.0.0.1', port: freePort() });
    using there = reservePort({ host: '127.0.0.2', port: here.port });
    expect(there.port).toBe(here.port);
  });

  test('reserves for as long as it is wanted, and makes the port available again', () => {
    const port = freePort();
    const reservation = reservePort({ port });
    for (let i = 0; i < 100; i++) expect(portOf({ port })).not.toBe(port);
    reservation.release();
    expect(portOf({ port })).toBe(port);
  });

  test('does not give one port to two callers at once', () => {
    const reserved = Array.from({ length: 1000 }, () => reservePort());
    expect(new Set(reserved.map(({ port }) => port)).size).toBe(1000);
    releaseAll(reserved);
  });
});

describe('portRange', () => {
  test('holds both ends, and can be iterated again', () => {
    const range = portRange(3000, 3003);
    expect([...range]).toEqual([3000, 3001, 3002, 3003]);
    expect([...range]).toEqual([3000, 3001, 3002, 3003]);
    expect([...portRange(65535, 65535)]).toEqual([65535]);
  });

  test.each([
    [0, 10],
    [10, 65536],
    [20, 10],
    [1.5, 3],
  ])('refuses %d to %d', (from, to) => {
    expect(() => portRange(from, to)).toThrow(RangeError);
  });

  test('refuses what is no number', () => {
    expect(() => Reflect.apply(portRange, undefined, ['3000', 3001])).toThrow(TypeError);
  });
});

describe('options', () => {
  test.each([
    ['options', null],
    ['options', 3000],
    ['a fraction', { port: 3000.5 }],
    ['a port above 65535', { port: 65536 }],
    ['a negative port', { port: -1 }],
    ['NaN', { port: Number.NaN }],
    ['null as the port', { port: null }],
    ['a bigint', { port: 3000n }],
    ['a wrong port in a list', { port: [70000] }],
    ['a wrong excluded port', { exclude: [0] }],
    ['an unknown protocol', { protocol: 'sctp' }],
    ['an unknown strategy', { strategy: 'toString' }],
    ['a host name', { host: 'example.org' }],
    ['a number as the host', { host: 1 }],
    ['an empty host', { host: '' }],
    ['no hosts', { host: [] }],
    ['a NUL in a host', { host: '127.0.0.1\0' }],
  ])('refuses %s', (_, options) => {
    expect(() => reserveUnchecked(options)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF_RANGE)/) }),
    );
  });

  test('changes none of them', () => {
    const port = Object.freeze([freePort()]);
    const options = Object.freeze({ port, exclude: Object.freeze([1]), host: '127.0.0.1' });
    expect(portOf(options)).toBe(port[0]);
  });

  test('reads a lazy iterable only as far as needed, and closes its iterator', () => {
    const wanted = freePort();
    const read: number[] = [];
    let closed = false;
    function* endless() {
      try {
        for (let port = wanted; ; port++) {
          read.push(port);
          yield port;
        }
      } finally {
        closed = true;
      }
    }
    expect(portOf({ port: endless() })).toBe(wanted);
    expect(read).toEqual([wanted]);
    expect(closed).toBe(true);
  });

  test('closes the iterator when a port in it is wrong', () => {
    let closed = false;
    function* wrong() {
      try {
        yield 70000;
      } finally {
        closed = true;
      }
    }
    expect(() => reservePort({ port: wrong() })).toThrow(RangeError);
    expect(closed).toBe(true);
  });

  test('takes port 0 for any', () => {
    expect(portOf({ port: 0 })).toBeGreaterThan(0);
    expect(portOf({ port: [0, 1] })).toBeGreaterThan(1);
  });

  test(
    'finds the one port that is not excluded',
    unixOnly('the range of ephemeral ports is another'),
    () => {
      const only = 32768 + Math.floor(Math.random() * 16000);
      const exclude = [...portRange(1, only - 1), ...portRange(only + 50, 65535)];
      const port = portOf({ exclude });
      expect(port).toBeGreaterThanOrEqual(only);
      expect(port).toBeLessThan(only + 50);
    },
  );

  test('says EADDRINUSE when every port is excluded', () => {
    expect(() => reservePort({ exclude: portRange(1, 65535) })).toThrow(
      expect.objectContaining({ code: 'EADDRINUSE', syscall: 'bind' }),
    );
  });
});

describe('hosts', () => {
  test(
    'keeps the port on every address without one',
    unixOnly('without a host Windows reserves 127.0.0.1 alone'),
    () => {
      using reservation = reservePort();
      expect(reservation.host).toBe('127.0.0.1');
      expect(reservation.addresses).toEqual(['127.0.0.1']);
      for (const host of ['127.0.0.1', '127.0.0.2', '0.0.0.0', '::1', '::']) {
        expect(portOf({ host, port: reservation.port })).not.toBe(reservation.port);
      }
    },
  );

  test("takes both loopback addresses for 'localhost'", () => {
    using reservation = reservePort({ host: 'localhost' });
    expect(reservation.host).toBe('localhost');
    expect(reservation.addresses).toEqual(['127.0.0.1', '::1']);
    for (const host of reservation.addresses) {
      expect(portOf({ host, port: reservation.port })).not.toBe(reservation.port);
    }
    expect(portOf({ host: '127.0.0.2', port: reservation.port })).toBe(reservation.port);
  });

  test('takes several hosts on one number, the wider one for those that it covers', () => {
    using reservation = reservePort({ host: ['127.0.0.1', '127.0.0.2', '0.0.0.0', '::1'] });
    expect(reservation.addresses).toEqual(['127.0.0.1', '127.0.0.2', '0.0.0.0', '::1']);
    expect(portOf({ host: '127.0.0.3', port: reservation.port })).not.toBe(reservation.port);
  });

  test('knows an address however it is spelled', () => {
    using reservation = reservePort({ host: ['0:0:0:0:0:0:0:1', '::1', '0::0001'] });
    expect(reservation.addresses).toEqual(['::1']);
    using everywhere = reservePort({ host: '0::0' });
    expect(everywhere.addresses).toEqual(['::']);
    expect(portOf({ host: '127.0.0.1', port: everywhere.port })).not.toBe(everywhere.port);
    using mapped = reservePort({ host: ['::ffff:127.0.0.1', '127.0.0.1', '::ffff:7f00:1'] });
    expect(mapped.addresses).toEqual(['127.0.0.1']);
  });

  test('falls back when one of several hosts is taken', () => {
    using taken = reservePort({ host: '::1', port: freePort() });
    using reservation = reservePort({ host: ['127.0.0.1', '::1'], port: taken.port });
    expect(reservation.port).not.toBe(taken.port);
    // Nothing was left held on the other host.
    expect(portOf({ host: '127.0.0.1', port: taken.port })).toBe(taken.port);
  });

  test('says EADDRNOTAVAIL for an address of another machine, preferred port or not', () => {
    for (const port of [undefined, 3000]) {
      expect(() => reservePort({ host: '192.0.2.1', ...(port && { port }) })).toThrow(
        expect.objectContaining({ code: 'EADDRNOTAVAIL', address: '192.0.2.1' }),
      );
    }
  });

  test(
    'says EACCES for a preferred port that needs a privilege, and leaves nothing open',
    unixOnly('its other programs are Unix shells'),
    async () => {
      const answer = await node(`
      const { readdirSync, readFileSync } = require('node:fs');
      if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
      const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
      const before = readdirSync('/proc/self/fd').length;
      try { bindport.reservePort({ port: first - 1 }); console.log(first ? 'TOOK' : 'EACCES 0'); }
      catch (error) { console.log(error.code, readdirSync('/proc/self/fd').length - before); }
    `);
      expect(answer).toBe('EACCES 0');
    },
  );

  test(
    'passes over those of a list that need a privilege',
    linuxOnly('ip_unprivileged_port_start tells them'),
    async () => {
      const free = freePort();
      const answer = await node(`
      const { readFileSync } = require('node:fs');
      if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
      const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
      const list = first ? [first - 1] : [];
      const take = (port) => {
        const reservation = bindport.reservePort({ port });
        reservation.release();
        return reservation.port;
      };
      const any = take(list);
      console.log(take([...list, ${free}]), any > 0 && !list.includes(any));
    `);
      expect(answer).toBe(`${free} true`);
    },
  );
});

describe('protocols', () => {
  test('reserves UDP, which leaves TCP free, and the other way round', () => {
    using udp = reservePort({ protocol: 'udp', port: freePort() });
    expect(portOf({ protocol: 'udp', port: udp.port })).not.toBe(udp.port);
    using tcp = reservePort({ port: udp.port });
    expect(tcp.port).toBe(udp.port);
  });

  test('reserves both on one number', () => {
    using both = reservePort({ protocol: 'both', host: ['127.0.0.1', '::1'] });
    for (const protocol of ['tcp', 'udp'] as const) {
      for (const host of both.addresses) {
        expect(portOf({ protocol, host, port: both.port })).not.toBe(both.port);
      }
    }
  });

  test('falls back when one of both is taken', () => {
    using udp = reservePort({ protocol: 'udp', port: freePort() });
    expect(portOf({ protocol: 'both', port: udp.port })).not.toBe(udp.port);
    expect(portOf({ port: udp.port })).toBe(udp.port);
  });
});

describe('reservePorts', () => {
  test('reserves as many as asked for', () => {
    const reserved = reservePorts(50);
    expect(new Set(reserved.map(({ port }) => port)).size).toBe(50);
    releaseAll(reserved);
    expect(reservePorts(0)).toEqual([]);
  });

  test('uses a list of preferred ports up, then takes any', () => {
    const first = freePort();
    const reserved = reservePorts(3, { port: first });
    expect(reserved).toHaveLength(3);
    expect(reserved[0]?.port).toBe(first);
    releaseAll(reserved);
  });

  test('reserves none when it fails', () => {
    const first = freePort();
    expect(() => reservePorts(2, { port: [first, 70000] })).toThrow(RangeError);
    expect(portOf({ port: first })).toBe(first);
  });

  test.each([-1, 1.5, 65536, '2'])('refuses %s as the count', (count) => {
    expect(() => Reflect.apply(reservePorts, undefined, [count])).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }),
    );
  });

  test(
    'leaves no descriptor open when descriptors run out',
    unixOnly('its other programs are Unix shells'),
    async () => {
      const answer = await node(
        `
      const { readdirSync } = require('node:fs');
      const lines = [];
      const before = readdirSync('/proc/self/fd').length;
      for (const options of [{}, { host: 'localhost', protocol: 'both' }, { strategy: 'connected-pair' }]) {
        try { bindport.reservePorts(200, options); }
        catch (error) { lines.push([error.code, error.syscall, readdirSync('/proc/self/fd').length - before].join(' ')); }
      }
      console.log(lines.join('\\n'));
    `,
        { openFiles: 100 },
      );
      const lines = answer.split('\n');
      expect(lines).toHaveLength(3);
      for (const line of lines) expect(line).toMatch(/^EMFILE (socket|accept) 0$/);
    },
  );
});

test(
  'keeps a port on IPv6 too after descriptors had run out at first',
  unixOnly('its other programs are Unix shells'),
  async () => {
    const answer = await node(
      `
      const { closeSync, openSync } = require('node:fs');
      const codes = [];
      const open = [];
      try { for (;;) open.push(openSync('/dev/null')); } catch {}
      for (const host of [undefined, 'localhost']) {
        try { bindport.reservePort({ host }); } catch ({ code }) { codes.push(code); }
      }
      open.forEach((fd) => closeSync(fd));
      const reservation = bindport.reservePort();
      const other = bindport.reservePort({ host: '::1', port: reservation.port });
      console.log(...codes, other.port === reservation.port);
    `,
      { openFiles: 100 },
    );
    expect(answer).toBe('EMFILE EMFILE false');
  },
);

test(
  'passes its sockets to no child process',
  unixOnly('its other programs are Unix shells'),
  async () => {
    const answer = await node(`
    const reservation = bindport.reservePort({ host: 'localhost', protocol: 'both' });
    const { spawnSync } = require('node:child_process');
    // Through a pipe of the shell's: Node's own pipes are sockets.
    const { stdout } = spawnSync('sh', ['-c', 'ls -l /proc/self/fd | cat'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    console.log(stdout.split('socket:').length - 1);
  `);
    expect(answer).toBe('0');
  },
);
