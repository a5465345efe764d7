import { once } from 'node:events';
import { createServer, SocketAddress } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { binding } from '../../src/base/binding';
import { ipv4Text, ipv6Text } from '../../src/base/ip-text';
import { constants, SocketHandle } from '../../src/index';
import {
  describe as describeGroup,
  parseCgroup,
  parseMounts,
} from '../../src/inspection/linux/cgroups';
import { inetSocket, tcpRequest, udpRequest } from '../../src/inspection/linux/inet-diag';
import { parseIgmp, parseIgmp6 } from '../../src/inspection/linux/multicast';
import { dumpRequest, littleEndian, readDump } from '../../src/inspection/linux/netlink';
import {
  parseInetLine,
  parseUnixLine,
  readInetTable,
  readUnixTable,
} from '../../src/inspection/linux/proc-net';
import { parseStat } from '../../src/inspection/linux/processes';
import { type Dump, readAnswers, readSocketTables } from '../../src/inspection/linux/sock-diag';
import { unixRequest, unixSocket } from '../../src/inspection/linux/unix-diag';
import { parsePasswd } from '../../src/inspection/linux/users';
import type { SocketFilter } from '../../src/inspection/socket-info';
import { linuxOnly } from '../support/platform';
import { errnoOf } from '../support/thrown';

const everything: SocketFilter = {
  port: undefined,
  pid: undefined,
  protocols: new Set(['tcp', 'udp', 'unix']),
  states: undefined,
  processes: 'none',
};

const tcp: Dump = {
  request: tcpRequest(everything),
  read: (view, start, end) => inetSocket(view, start, end, 'tcp', String),
  fallback: () => [],
};
const udp: Dump = {
  request: udpRequest(constants.AF_INET, everything),
  read: (view, start, end) => inetSocket(view, start, end, 'udp', String),
  fallback: () => [],
};
const unix: Dump = { request: unixRequest(everything), read: unixSocket, fallback: () => [] };

/** What the kernel answers to the three, of this process' sockets and whatever else there is. */
function answer(): Buffer {
  const requests = Buffer.concat([tcp.request, udp.request, unix.request]);
  const bytes = binding.socketDiag(requests, 1e8);
  if (typeof bytes === 'number') throw new Error(`socketDiag: ${bytes}`);
  return bytes;
}

/** A generator of the same numbers each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

async function server(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => {
    listener.close();
  });
  await once(listener, 'listening');
  const address = listener.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function opened(): SocketHandle {
  const socket = new SocketHandle();
  onTestFinished(() => socket.close());
  return socket;
}

describe('sock_diag', linuxOnly('there is no netlink'), () => {
  test('answers that are cut short anywhere give the sockets before the cut', async () => {
    await server();
    const bytes = answer();
    const whole = readAnswers([tcp, udp, unix], bytes).map(({ sockets }) => sockets.length);
    expect(whole[0]).toBeGreaterThan(0);
    expect(whole[2]).toBeGreaterThan(0);
    const ends = new Set([0, 1, 15, 16, 17, 40, 87, 88, 89, bytes.length - 1]);
    // So many cuts, however many sockets this machine has.
    const step = Math.max(97, Math.ceil(bytes.length / 200));
    for (let end = 0; end < bytes.length; end += step) ends.add(end);
    for (const end of ends) {
      const cut = readAnswers([tcp, udp, unix], bytes.subarray(0, end));
      expect(cut).toHaveLength(3);
      cut.forEach(({ sockets }, i) => {
        expect(sockets.length).toBeLessThanOrEqual(whole[i] ?? 0);
      });
    }
  });

  test('bytes that are wrong anywhere neither throw nor hang', async () => {
    await server();
    const bytes = answer().subarray(0, 4096);
    const next = random(8);
    for (let round = 0; round < 2000; round++) {
      const hostile = Buffer.from(bytes);
      for (let i = 0; i < 8; i++) hostile[next() % hostile.length] = next() & 0xff;
      expect(readAnswers([tcp, udp, unix], hostile)).toHaveLength(3);
    }
    for (let round = 0; round < 500; round++) {
      const noise = Buffer.from(Array.from({ length: next() % 300 }, () => next() & 0xff));
      expect(readAnswers([tcp, udp, unix], noise)).toHaveLength(3);
    }
  });

  test('an error ends one dump and not the next', () => {
    const failing = dumpRequest(20, 8, (request) => {
      request.setUint8(0, 250);
    });
    const bytes = binding.socketDiag(Buffer.concat([failing, unix.request]), 1e8);
    if (typeof bytes === 'number') throw new Error(`socketDiag: ${bytes}`);
    const [first, second] = readAnswers([udp, unix], bytes);
    expect(first).toMatchObject({ sockets: [] });
    expect(first?.error).toBeLessThan(0);
    expect(second).toMatchObject({ error: 0 });
    expect(second?.sockets.length).toBeGreaterThan(0);
  });

  test('tells that a dump was interrupted', () => {
    const done = dumpRequest(3, 4, () => {});
    const view = new DataView(done.buffer);
    expect(readDump(view, 0, () => {})).toMatchObject({ error: 0, interrupted: false });
    view.setUint16(6, 0x12, littleEndian);
    view.setInt32(16, -16, littleEndian);
    expect(readDump(view, 0, () => {})).toEqual({ error: -16, interrupted: true, next: 20 });
  });

  test('the kernel leaves out the sockets of other ports, whatever their state', () => {
    for (let i = 0; i < 3; i++) opened().bind();
    const bound = opened();
    bound.bind('127.0.0.1');
    const { port } = bound.address();
    const listener = opened();
    listener.bind('127.0.0.2', port);
    listener.listen();
    opened().connect('127.0.0.2', port);
    const accepted = listener.accept();
    onTestFinished(() => accepted.close());
    const query = { ...everything, protocols: new Set(['tcp'] as const), port };
    const found = readSocketTables(query).map(({ local, state }) => `${local.port} ${state}`);
    expect(found.sort()).toEqual([`${port} BOUND`, `${port} ESTABLISHED`, `${port} LISTEN`]);
  });

  test('refuses what is no netlink message, and answers that are too long', () => {
    expect(binding.socketDiag(new Uint8Array(3), 1e6)).toBe(errnoOf('EMSGSIZE'));
    expect(binding.socketDiag(unix.request.subarray(0, 20), 1e6)).toBe(errnoOf('EMSGSIZE'));
    expect(binding.socketDiag(unix.request, 30)).toBe(errnoOf('ENOBUFS'));
    expect(binding.socketDiag(new Uint8Array(0), 1e6)).toHaveLength(0);
  });
});

describe('/proc/net', linuxOnly('there is no /proc'), () => {
  test('shows the same listeners and Unix sockets as sock_diag', async () => {
    const port = await server();
    using v6 = new SocketHandle(constants.AF_INET6);
    v6.bind('');
    v6.listen();
    using abstract = new SocketHandle(constants.AF_UNIX);
    abstract.bind(`\0bindport tables ${process.pid}`);
    abstract.listen();
    const ports = [port, v6.address().port];
    const diagnosed = readSocketTables(everything);
    const read = [...readInetTable('tcp'), ...readInetTable('tcp6'), ...readUnixTable()];
    const named = [
      ...ports.map((each) => (local: { port: number; address: string }) => local.port === each),
      (local: { address: string }) => local.address.endsWith(`tables ${process.pid}`),
    ];
    for (const isIt of named) {
      const [one, ...rest] = read.filter(({ local, state }) => state === 'LISTEN' && isIt(local));
      expect(rest).toEqual([]);
      expect(diagnosed.find(({ inode }) => inode === one?.inode)).toMatchObject({ ...one });
    }
  });

  test.runIf(littleEndian)('is read line by line', () => {
    expect(
      parseInetLine(
        '   1: 0100007F:1F90 0100007F:C350 06 00000000:00000000 03:00000DAC 00000000     0        0 0 3 0000000000000000',
        'tcp',
      ),
    ).toEqual({
      protocol: 'tcp',
      type: 'stream',
      local: { address: '127.0.0.1', family: 'IPv4', port: 8080 },
      remote: { address: '127.0.0.1', family: 'IPv4', port: 50000 },
      state: 'TIME_WAIT',
      unread: 0,
      unsent: 0,
      uid: 0,
      timer: { kind: 'time-wait', expires: 35000, retries: 0 },
      expiresIn: 35000,
    });
    expect(
      parseInetLine(
        '  22: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000010 00:00000000 00000000   101        0 4711 2 0000000000000000 0',
        'udp',
      ),
    ).toEqual({
      protocol: 'udp',
      type: 'dgram',
      local: { address: '::1', family: 'IPv6', port: 53 },
      state: 'UNCONNECTED',
      unread: 16,
      unsent: 0,
      uid: 101,
      inode: 4711,
    });
    expect(
      parseUnixLine('0000000000000000: 00000002 00000000 00010000 0001 01 20411 @/a b/@c'),
    ).toEqual({
      protocol: 'unix',
      type: 'stream',
      local: { address: '\0/a b/@c', family: 'Unix', port: 0 },
      state: 'LISTEN',
      inode: 20411,
    });
    const heading = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt';
    for (const line of [heading, '', 'x', '1: 0:0 0:0 01']) {
      expect(parseInetLine(line, 'tcp')).toBeUndefined();
      expect(parseUnixLine(line)).toBeUndefined();
    }
  });
});

describe('other tables', () => {
  test('a process’ name may hold anything', () => {
    const stat = (name: string) =>
      `42 (${name}) Z 1 41 40 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 2 0 12345 0 0`;
    for (const name of ['node', 'a) R 1 (b', '']) {
      expect(parseStat(stat(name))).toEqual({
        state: 'Z',
        parent: 1,
        group: 41,
        session: 40,
        started: 123450,
      });
    }
    expect(parseStat('')).toBeUndefined();
  });

  test('control groups are recognised', () => {
    const id = '0123456789abcdef'.repeat(4);
    expect(parseCgroup('9:name=systemd:/\n0::/system.slice/nginx.service\n')).toBe(
      '/system.slice/nginx.service',
    );
    expect(parseCgroup('9:name=systemd:/\n')).toBeUndefined();
    const namesOf = (path: string) => {
      const { unit, container } = describeGroup(path);
      return [unit, container];
    };
    expect(namesOf('/system.slice/nginx.service')).toEqual(['nginx.service', undefined]);
    expect(namesOf('/user.slice/user-1.slice/user@1.service/app.slice/a.scope')).toEqual([
      'a.scope',
      undefined,
    ]);
    expect(namesOf(`/system.slice/docker-${id}.scope`)).toEqual([`docker-${id}.scope`, id]);
    expect(namesOf(`/docker/${id}`)).toEqual([undefined, id]);
    expect(namesOf(`/kubepods.slice/cri-containerd-${id}.scope`)).toEqual([
      `cri-containerd-${id}.scope`,
      id,
    ]);
    expect(namesOf('/')).toEqual([undefined, undefined]);
    expect(namesOf('/system.slice/dev-a\\x2db.swap')).toEqual(['dev-a\\x2db.swap', undefined]);
    // Whoever is given a group may make this one, and advice has units in commands.
    expect(namesOf('/a.slice/b.service/x;reboot;.service')).toEqual(['b.service', undefined]);
    expect(namesOf('/a b.service')).toEqual([undefined, undefined]);
    expect(parseMounts('tmpfs /t tmpfs rw 0 0\ncgroup2 /a\\040b cgroup2 rw 0 0\n')).toBe('/a b');
    expect(parseMounts('')).toBeUndefined();
  });

  test('users are those of passwd', () => {
    expect([
      ...parsePasswd('root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:\n\nbad\nwww:x:33:33:'),
    ]).toEqual([
      [0, 'root'],
      [33, 'www'],
    ]);
  });

  test('addresses are written as inet_ntop writes them', () => {
    const text = (groups: string) => {
      const bytes = Buffer.from(groups.replaceAll(':', ''), 'hex');
      return ipv6Text(new DataView(bytes.buffer, bytes.byteOffset), 0);
    };
    expect(text('20010db8:00000000:00010000:00000001')).toBe('2001:db8::1:0:0:1');
    expect(text('20010db8:00000001:00010001:00010001')).toBe('2001:db8:0:1:1:1:1:1');
    expect(text('00000000:00000000:0000ffff:7f000001')).toBe('::ffff:127.0.0.1');
    expect(text('00000000:00000000:00000000:00000000')).toBe('::');
    expect(text('00000000:00000000:00000000:00000001')).toBe('::1');
    expect(text('fe800000:00000000:00000000:00000000')).toBe('fe80::');
    expect(ipv4Text(new DataView(Uint8Array.of(192, 0, 2, 255).buffer), 0)).toBe('192.0.2.255');
    const next = random(3);
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: 16 }, () => (next() % 3 === 0 ? next() & 0xff : 0));
      // A leading group keeps it from the notations for IPv4.
      bytes[0] = 0x20;
      const written = ipv6Text(new DataView(bytes.buffer), 0);
      expect(new SocketAddress({ address: written, family: 'ipv6' }).address).toBe(written);
    }
  });
});

describe('the tables of multicast groups', linuxOnly('/proc/net/igmp'), () => {
  test('tell each group with the index of its interface', () => {
    const heading = 'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n';
    const group = littleEndian ? '030201EF' : 'EF010203';
    const text = `${heading}1\tlo        :     1      V3\n\t\t\t\t${group}     1 0:00000000\t\t0\n12\tveth0     :     1      V3\n\t\t\t\t${group}     2 0:00000000\t\t0\n`;
    expect(parseIgmp(text)).toEqual([
      { address: '239.1.2.3', interface: 1 },
      { address: '239.1.2.3', interface: 12 },
    ]);
    const text6 =
      '1    lo              ff020000000000000000000000000001     1 0000000C 0\n' +
      '12   veth0           ff0200000000000000000001ff00abcd     2 00000004 0\n';
    expect(parseIgmp6(text6)).toEqual([
      { address: 'ff02::1', interface: 1 },
      { address: 'ff02::1:ff00:abcd', interface: 12 },
    ]);
    expect([...parseIgmp(''), ...parseIgmp6('')]).toEqual([]);
  });
});
