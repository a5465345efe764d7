import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  constants,
  findSockets,
  getsockopt,
  SocketHandle,
  type SocketInfo,
  setsockopt,
} from '../../src/index';
import { startHolder } from '../support/holder';
import { needsIpv6 } from '../support/network';
import { isLinux, linuxOnly, notInWine, unixOnly } from '../support/platform';
import { rejection } from '../support/thrown';

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function listening(host = '127.0.0.1'): Promise<Server & { port: number }> {
  const server = createServer();
  onTestFinished(() => {
    server.close();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return Object.assign(server, { port: portOf(server) });
}

async function connected(server: Server): Promise<{ near: Socket; far: Socket }> {
  const accepted = once(server, 'connection');
  const near = connect(portOf(server), '127.0.0.1');
  await once(near, 'connect');
  const [far] = await accepted;
  onTestFinished(() => {
    near.destroy();
    far.destroy();
  });
  return { near, far };
}

/** The port of a UDP socket on 127.0.0.1. */
async function receiving(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  onTestFinished(() => {
    socket.close();
  });
  await once(socket, 'listening');
  return socket.address().port;
}

const ours = (sockets: SocketInfo[]) =>
  sockets.filter(({ processes }) => processes.some(({ pid }) => pid === process.pid));

describe('findSockets', () => {
  test('finds a listener with its state and address', async () => {
    const { port } = await listening();
    const [found, ...rest] = await findSockets({ port, state: 'LISTEN' });
    expect(rest).toEqual([]);
    expect(found).toMatchObject({
      protocol: 'tcp',
      type: 'stream',
      state: 'LISTEN',
      local: { address: '127.0.0.1', family: 'IPv4', port },
    });
    expect(found).not.toHaveProperty('remote');
  });

  test("tells a listener's process", notInWine('Wine tells no process of TCP'), async () => {
    const { port } = await listening();
    const [found] = await findSockets({ port, state: 'LISTEN' });
    expect(found).toMatchObject({ processes: [{ pid: process.pid }], unseen: [] });
  });

  test('finds both ends of a connection', async () => {
    const server = await listening();
    const { near, far } = await connected(server);
    const found = await findSockets({ port: near.localPort ?? 0, protocol: 'tcp' });
    // Connections to other ports may have the same local one.
    expect(found).toContainEqual(
      expect.objectContaining({
        state: 'ESTABLISHED',
        local: { address: '127.0.0.1', family: 'IPv4', port: near.localPort },
        remote: { address: '127.0.0.1', family: 'IPv4', port: far.localPort },
      }),
    );
    const others = await findSockets({ port: server.port, state: ['LISTEN', 'ESTABLISHED'] });
    const peers = others.map(({ state, remote }) => [state, remote?.port]);
    expect(peers).toContainEqual(['LISTEN', undefined]);
    expect(peers).toContainEqual(['ESTABLISHED', near.localPort]);
  });

  test('finds a UDP socket, its process and when that was started', async () => {
    const port = await receiving();
    const [found] = await findSockets({ port, protocol: 'udp' });
    expect(found).toMatchObject({
      protocol: 'udp',
      type: 'dgram',
      local: { address: '127.0.0.1', family: 'IPv4', port },
      processes: [{ pid: process.pid, name: expect.any(String) }],
      unseen: [],
    });
    const [holder] = found?.processes ?? [];
    const started = Date.now() - process.uptime() * 1000;
    expect(Math.abs((holder?.startedAt?.getTime() ?? 0) - started)).toBeLessThan(2000);
    expect(holder?.command).toContain('node');
    // The TCP port of the same number may well be somebody's.
    const tcp = await findSockets({ port, protocol: 'tcp' });
    expect(tcp.filter(({ protocol }) => protocol !== 'tcp')).toEqual([]);
  });

  test('finds an IPv6 listener, and whether it leaves IPv4 alone', needsIpv6, async () => {
    for (const v6only of [true, false]) {
      using socket = new SocketHandle(constants.AF_INET6);
      setsockopt(socket.fd, constants.IPPROTO_IPV6, constants.IPV6_V6ONLY ?? 0, v6only);
      socket.bind('');
      socket.listen();
      const { port } = socket.address();
      const [found] = await findSockets({ port, state: 'LISTEN' });
      expect(found?.local).toEqual({ address: '::', family: 'IPv6', port });
      if (isLinux) expect(found?.v6only).toBe(v6only);
    }
  });

  test('finds the sockets of a process', async () => {
    const port = await receiving();
    const found = await findSockets({ pid: process.pid, protocol: 'udp' });
    expect(found.map(({ local }) => local.port)).toContain(port);
    for (const { processes } of found) {
      expect(processes.map(({ pid }) => pid)).toContain(process.pid);
    }
  });

  test('leaves out what the query leaves out', async () => {
    const { port } = await listening();
    expect(await findSockets({ port, state: ['TIME_WAIT', 'CLOSED'] })).toEqual([]);
    expect(await findSockets({ port, protocol: ['udp', 'unix'] })).toEqual([]);
    const [found] = await findSockets({ port, processes: 'none' });
    expect(found).toMatchObject({ local: { port }, processes: [], unseen: [] });
  });

  test('finds a process that has the socket', async () => {
    const query = { port: await receiving(), protocol: 'udp', processes: 'first' } as const;
    const [found] = await findSockets(query);
    expect(found).toMatchObject({ processes: [{ pid: process.pid }] });
  });

  test('finds nothing of a port that nobody has', async () => {
    const socket = new SocketHandle();
    socket.bind();
    const { port } = socket.address();
    socket.close();
    expect(ours(await findSockets({ port }))).toEqual([]);
  });

  test('refuses wrong arguments', async () => {
    const codes = async (query: object) => Object(await rejection(findSockets(query))).code;
    expect(await codes({ port: 0 })).toBe('ERR_OUT_OF_RANGE');
    expect(await codes({ port: 65536 })).toBe('ERR_OUT_OF_RANGE');
    expect(await codes({ port: '80' })).toBe('ERR_INVALID_ARG_TYPE');
    expect(await codes({ pid: -1 })).toBe('ERR_OUT_OF_RANGE');
    expect(await codes({ protocol: 'sctp' })).toBe('ERR_INVALID_ARG_VALUE');
    expect(await codes({ protocol: null })).toBe('ERR_INVALID_ARG_VALUE');
    expect(await codes({ state: ['LISTEN', 'listen'] })).toBe('ERR_INVALID_ARG_VALUE');
    expect(await codes({ processes: 'some' })).toBe('ERR_INVALID_ARG_VALUE');
  });

  test('says that there is no such process', async () => {
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    expect(await rejection(findSockets({ pid: ended }))).toMatchObject({ code: 'ESRCH' });
  });

  test(
    'finds a Unix socket by its process',
    unixOnly('Windows lists no Unix sockets'),
    async () => {
      const path = join(tmpdir(), `bindport-${process.pid}.sock`);
      const server = createServer().listen(path);
      onTestFinished(() => {
        server.close();
      });
      await once(server, 'listening');
      const found = await findSockets({ pid: process.pid, protocol: 'unix', state: 'LISTEN' });
      expect(found.find(({ local }) => local.address === path)).toMatchObject({
        protocol: 'unix',
        type: 'stream',
        local: { address: path, family: 'Unix', port: 0 },
      });
    },
  );
});

describe('findSockets on Linux', linuxOnly('other systems tell less'), () => {
  test('tells inode, cookie, owner, queue and backlog', async () => {
    const server = await listening();
    using listener = new SocketHandle();
    listener.bind();
    listener.listen(3);
    const { port } = listener.address();
    using waiting = new SocketHandle();
    waiting.connect('127.0.0.1', port);
    const [found] = await findSockets({ port, state: 'LISTEN' });
    expect(found).toMatchObject({
      queue: 1,
      backlog: 3,
      uid: userInfo().uid,
      user: userInfo().username,
      processes: [{ pid: process.pid, fd: listener.fd }],
      congestion: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
      cgroup: { path: expect.stringMatching(/^\//) },
    });
    const cookie = getsockopt(listener.fd, constants.SOL_SOCKET, constants.SO_COOKIE ?? 0, 8);
    expect(found?.cookie).toBe(cookie.readBigUInt64LE());
    expect(server.port).not.toBe(port);
  });

  test('agrees with /proc/net/tcp', async () => {
    const { port } = await listening();
    const [found] = await findSockets({ port, state: 'LISTEN' });
    const suffix = port.toString(16).toUpperCase().padStart(4, '0');
    const line = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .find((each) => each.includes(`0100007F:${suffix} 00000000:0000 0A`));
    expect(Number(line?.trim().split(/\s+/)[9])).toBe(found?.inode);
  });

  test('finds a socket that is bound and does not listen', async () => {
    using socket = new SocketHandle();
    socket.bind();
    const { port } = socket.address();
    expect(await findSockets({ port })).toMatchObject([
      { state: 'BOUND', local: { port }, processes: [{ pid: process.pid, fd: socket.fd }] },
    ]);
    expect(await findSockets({ port, state: 'BOUND' })).toHaveLength(1);
  });

  test('tells how long TIME_WAIT lasts, and that nobody has it', async () => {
    const server = await listening();
    const { near, far } = await connected(server);
    far.end();
    near.resume().end();
    await once(far.resume(), 'close');
    const [found] = await findSockets({ port: server.port, state: 'TIME_WAIT' });
    expect(found).toMatchObject({
      state: 'TIME_WAIT',
      remote: { port: expect.any(Number) },
      timer: { kind: 'time-wait' },
      processes: [],
      unseen: [],
    });
    expect(found?.expiresIn).toBeGreaterThan(0);
    expect(found?.expiresIn).toBeLessThanOrEqual(60_000);
    expect(found).not.toHaveProperty('inode');
  });

  test('counts the bytes that wait', async () => {
    using listener = new SocketHandle();
    listener.bind();
    listener.listen();
    const { port } = listener.address();
    const near = connect(port, '127.0.0.1');
    onTestFinished(() => {
      near.destroy();
    });
    await once(near, 'connect');
    await new Promise((written) => near.write('seven b', written));
    using far = listener.accept();
    const found = await findSockets({ port, state: 'ESTABLISHED' });
    expect(found).toMatchObject([{ unread: 7, unsent: 0, processes: [{ fd: far.fd }] }]);
  });

  test('finds all processes that share a socket', async () => {
    using listener = new SocketHandle();
    listener.bind();
    listener.listen();
    const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', listener.fd] });
    onTestFinished(() => {
      child.kill();
    });
    await once(child, 'spawn');
    const [found] = await findSockets({ port: listener.address().port });
    const holders = found?.processes.map(({ pid, fd, name }) => ({ pid, fd, name }));
    expect(holders).toHaveLength(2);
    expect(holders).toContainEqual({ pid: child.pid, fd: 3, name: 'sleep' });
    expect(holders).toContainEqual(expect.objectContaining({ pid: process.pid, fd: listener.fd }));
  });

  test('finds the likely processes as it finds all: at low numbers, and at the same ones', async () => {
    using listener = new SocketHandle();
    listener.bind();
    listener.listen();
    // A child that is forked has each descriptor at the same number.
    const program = `import os, socket, sys, time
one = socket.socket(fileno=os.dup2(3, 700, inheritable=True))
os.close(3)
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.write(write, b"x")
    sys.stdin.read()
    os._exit(0)
os.read(read, 1)
print(child, flush=True)
sys.stdin.read()`;
    const parent = spawn('python3', ['-c', program], {
      stdio: ['pipe', 'pipe', 'inherit', listener.fd],
    });
    onTestFinished(() => {
      parent.stdin?.end();
    });
    const [line] = parent.stdout ? await once(parent.stdout, 'data') : [];
    const { port } = listener.address();
    listener.close();
    const holders = async (processes: 'all' | 'likely') => {
      const [found] = await findSockets({ port, processes });
      return found?.processes.map(({ pid, fd }) => [pid, fd]).sort();
    };
    const both = [parent.pid, Number(line)].map((pid) => [pid, 700]).sort();
    expect(await holders('all')).toEqual(both);
    expect(await holders('likely')).toEqual(both);
  });

  test('finds the socket of another program', async () => {
    const holder = await startHolder();
    const [found] = await findSockets({ port: holder.port });
    expect(found).toMatchObject({
      backlog: 7,
      processes: [
        { pid: holder.pid, fd: holder.fd, command: expect.stringContaining('holder.py') },
      ],
    });
  });

  test('finds the socket of a process whose main thread has ended', async () => {
    const { port, pid, fd } = await startHolder('thread');
    const [found] = await findSockets({ port });
    expect(found).toMatchObject({ processes: [{ pid, fd, tid: expect.any(Number) }] });
    const [tid] = found?.processes.map((holder) => holder.tid) ?? [];
    expect(tid).not.toBe(pid);
    expect((await findSockets({ pid })).map(({ local }) => local.port)).toContain(port);
  });

  test('tells Unix sockets by path and by abstract name, and their peers', async () => {
    using listener = new SocketHandle(constants.AF_UNIX);
    const name = `\0bindport ${process.pid} ü`;
    listener.bind(name);
    listener.listen(5);
    const sockets = await findSockets({ pid: process.pid, protocol: 'unix' });
    expect(sockets.find(({ local }) => local.address === name)).toMatchObject({
      state: 'LISTEN',
      queue: 0,
      backlog: 5,
      processes: [{ fd: listener.fd }],
    });
    for (const { inode, peer } of sockets) {
      const other = sockets.find((socket) => socket.inode === peer);
      if (other !== undefined) expect(other.peer).toBe(inode);
    }
  });
});
