import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { constants, explainPort, reservePort, SocketHandle } from '../../src/index';
import { freePort, quietPorts } from '../support/free-port';
import { foreignIpv4, foreignIpv6, linkLocal, needsIpv6, needsLinkLocal } from '../support/network';
import { linuxOnly, notInWine, unixOnly } from '../support/platform';
import { causeOf, codesOf, follow, stage } from '../support/stage';
import { rejection } from '../support/thrown';

/** What a bind gets. */
function bindResult(host: string, port: number, reuseAddress = false): string {
  using socket = new SocketHandle(host.includes(':') ? constants.AF_INET6 : constants.AF_INET);
  if (reuseAddress) socket.setOption('SO_REUSEADDR', true);
  try {
    socket.bind(host, port);
    return 'Success';
  } catch (error) {
    return String(Object(error).code);
  }
}

const noProcessesInWine = notInWine(
  'its TCP table has no processes, and IPv6 listeners are not told',
);

describe('explainPort', () => {
  test('says of a free port that it is free, by binds that it tried', async () => {
    const port = freePort();
    const report = await explainPort(port);
    expect(report).toMatchObject({ port, protocol: 'tcp', free: true, holders: [], advice: [] });
    expect(report).not.toHaveProperty('host');
    expect(report.causes).toEqual([
      { cause: 'free', message: `Port ${port} is free.`, advice: [] },
    ]);
    expect(report.binds).toContainEqual({ host: '0.0.0.0', options: [], result: 'Success' });
    expect(report.binds.some(({ options }) => options.includes('SO_REUSEPORT'))).toBe(false);
    expect(bindResult('0.0.0.0', port)).toBe('Success');
  });

  test('names a listener of this process', noProcessesInWine, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.close();
    });
    await new Promise((listening) => server.once('listening', listening));
    const port = Object(server.address()).port;
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(report).toMatchObject({
      host: '127.0.0.1',
      free: false,
      holders: [{ state: 'LISTEN', local: { address: '127.0.0.1', port } }],
    });
    expect(causeOf(report, 'listening')).toMatchObject({
      pid: process.pid,
      command: expect.stringContaining('node'),
      address: '127.0.0.1',
      advice: [expect.stringContaining(String(process.pid))],
    });
    expect(report.advice[0]).toContain(String(process.pid));
    expect(report.advice.at(-1)).toContain('bindport find');
  });

  test('tells for port 0 that the system has ports to choose', async () => {
    const report = await explainPort(0, { host: '127.0.0.1' });
    expect(report).toMatchObject({ port: 0, free: true, holders: [] });
    expect(codesOf(report)).toEqual(['free']);
  });

  const both = { ...needsIpv6, ...noProcessesInWine };

  test('asks about both loopback addresses for localhost', both, async () => {
    const port = freePort();
    using listener = new SocketHandle(constants.AF_INET6);
    listener.bind('::1', port);
    listener.listen();
    const report = await explainPort(port, { host: 'localhost' });
    expect(report.free).toBe(false);
    expect(report.binds.filter(({ options }) => options.length === 0)).toEqual([
      { host: '127.0.0.1', options: [], result: 'Success' },
      { host: '::1', options: [], result: 'EADDRINUSE' },
    ]);
    expect(causeOf(report, 'listening')).toMatchObject({ address: '::1' });
  });

  test('names an address that is none of this machine’s', async () => {
    const report = await explainPort(freePort(), { host: foreignIpv4 });
    expect(report).toMatchObject({ free: false, holders: [] });
    const { advice } = causeOf(report, 'not-local');
    expect(advice.join()).toContain('--host 127.0.0.1');
    expect(codesOf(report)).toEqual(['not-local']);
  });

  test('names a foreign IPv6 address', needsIpv6, async () => {
    const report = await explainPort(freePort(), { host: foreignIpv6 });
    expect(causeOf(report, 'not-local').advice.join()).toContain('--host ::1');
  });

  const zone = { ...needsLinkLocal, ...linuxOnly('others may bind one without it') };

  test('names the zone that a link-local address needs', zone, async () => {
    const [bare = '', zone] = linkLocal?.split('%') ?? [];
    const port = freePort();
    const report = await explainPort(port, { host: bare });
    const { advice } = causeOf(report, 'needs-zone');
    expect(advice.join()).toContain(`${bare}%${zone}`);
    expect(await explainPort(port, { host: `${bare}%${zone}` })).toMatchObject({ free: true });
  });

  test('refuses wrong arguments', async () => {
    const code = async (port: unknown, options?: object) =>
      Object(await rejection(Reflect.apply(explainPort, undefined, [port, options]))).code;
    expect(await code('80')).toBe('ERR_INVALID_ARG_TYPE');
    expect(await code(-1)).toBe('ERR_OUT_OF_RANGE');
    expect(await code(65536)).toBe('ERR_OUT_OF_RANGE');
    expect(await code(80, { host: 'example.org' })).toBe('ERR_INVALID_ARG_VALUE');
    expect(await code(80, { host: 1 })).toBe('ERR_INVALID_ARG_TYPE');
    expect(await code(80, { protocol: 'sctp' })).toBe('ERR_INVALID_ARG_VALUE');
  });
});

/** A signal is under way for a moment. */
async function stopped(pid: number): Promise<void> {
  while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) {
    await new Promise(setImmediate);
  }
}

describe('explainPort of other programs', linuxOnly('other systems tell less'), () => {
  test('listening: its advice ends the program, and the bind works', async () => {
    const { port, pid, ended } = await stage('listening');
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(report.free).toBe(false);
    const cause = causeOf(report, 'listening');
    expect(cause).toMatchObject({ pid, command: expect.stringContaining('stage.py') });
    expect(report.holders[0]?.options).toEqual({ SO_REUSEADDR: false, SO_REUSEPORT: false });
    follow(report.advice);
    await ended;
    expect(bindResult('127.0.0.1', port)).toBe('Success');
    expect(codesOf(await explainPort(port, { host: '127.0.0.1' }))).toEqual(['free']);
  });

  test('overlap: the wildcard takes in every address', async () => {
    const { port, pid, ended } = await stage('listening', ['0.0.0.0']);
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'overlap')).toMatchObject({ pid, address: '0.0.0.0' });
    expect(codesOf(report)).not.toContain('listening');
    follow(report.advice);
    await ended;
    expect(bindResult('127.0.0.1', port)).toBe('Success');
  });

  test('overlap: a dual-stack listener takes in IPv4', needsIpv6, async () => {
    const { port, pid, ended } = await stage('listening', ['::', 0, '{"v6only":0}']);
    const report = await explainPort(port, { host: '0.0.0.0' });
    const cause = causeOf(report, 'overlap');
    expect(cause).toMatchObject({ pid, address: '::' });
    expect(cause.advice.join()).toContain('IPV6_V6ONLY');
    follow(report.advice);
    await ended;
    // The other advice, for a server of ours: the two live side by side.
    const beside = await stage('listening', ['::', port, '{"v6only":1}']);
    expect(beside.port).toBe(port);
    expect(await explainPort(port, { host: '0.0.0.0' })).toMatchObject({ free: true });
    expect(bindResult('0.0.0.0', port)).toBe('Success');
  });

  test('bound: a socket that does not listen', async () => {
    const { port, pid, ended } = await stage('bound');
    const report = await explainPort(port);
    expect(causeOf(report, 'bound')).toMatchObject({ pid, address: '127.0.0.1' });
    expect(report.holders).toMatchObject([{ state: 'BOUND' }]);
    follow(report.advice);
    await ended;
    expect(bindResult('127.0.0.1', port)).toBe('Success');
  });

  test('bound: with SO_REUSEADDR it lets binds in that set it, too', async () => {
    const { port } = await stage('bound', [1]);
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'bound').advice[0]).toContain('Set SO_REUSEADDR');
    expect(bindResult('127.0.0.1', port)).toBe('EADDRINUSE');
    expect(bindResult('127.0.0.1', port, true)).toBe('Success');
  });

  test('reserved: a reservation of ours', async () => {
    using reservation = reservePort({ port: quietPorts() });
    const report = await explainPort(reservation.port);
    expect(causeOf(report, 'reserved')).toMatchObject({ pid: process.pid });
    expect(codesOf(report)).not.toContain('bound');
    reservation.release();
    expect(codesOf(await explainPort(reservation.port))).toEqual(['free']);
  });

  test('time-wait: with SO_REUSEADDR the bind works', async () => {
    const { port } = await stage('time_wait', [1]);
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(report.free).toBe(false);
    const cause = causeOf(report, 'time-wait');
    expect(cause.expiresIn).toBeGreaterThan(0);
    expect(cause.expiresIn).toBeLessThanOrEqual(60_000);
    expect(cause).not.toHaveProperty('pid');
    expect(report.advice[0]).toContain('Set SO_REUSEADDR');
    expect(bindResult('127.0.0.1', port)).toBe('EADDRINUSE');
    expect(bindResult('127.0.0.1', port, true)).toBe('Success');
  });

  test('time-wait: where the old socket lacked SO_REUSEADDR there is only waiting', async () => {
    const { port } = await stage('time_wait', [0]);
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'time-wait').message).toContain('does not help');
    expect(report.advice[0]).toMatch(/^Wait \d+ s/);
    expect(bindResult('127.0.0.1', port, true)).toBe('EADDRINUSE');
  });

  test('connected: connections that outlive the listener, as one cause', async () => {
    const { port, pid } = await stage('connections', [3]);
    const report = await explainPort(port, { host: '127.0.0.1' });
    const cause = causeOf(report, 'connected');
    expect(cause).toMatchObject({ pid, message: expect.stringContaining('3 connections') });
    expect(report.holders).toHaveLength(3);
    expect(report.advice[0]).toContain('Set SO_REUSEADDR');
    expect(bindResult('127.0.0.1', port, true)).toBe('Success');
  });

  test('connected: without SO_REUSEADDR the process has to end', async () => {
    const { port, pid } = await stage('connections', [1, 0]);
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'connected').pid).toBe(pid);
    expect(report.advice[0]).toContain(`kill ${pid}`);
  });

  test('orphaned: connections that no process has', async () => {
    const { port } = await stage('orphans');
    const report = await explainPort(port, { host: '127.0.0.1' });
    const cause = causeOf(report, 'orphaned');
    expect(cause).not.toHaveProperty('pid');
    expect(cause.message).toContain('FIN_WAIT2');
    expect(report.advice[0]).toContain('Set SO_REUSEADDR');
    expect(bindResult('127.0.0.1', port, true)).toBe('Success');
  });

  test('ephemeral: the system gave the port to a client', async () => {
    const { port, pid } = await stage('client');
    const report = await explainPort(port, { host: '127.0.0.1' });
    // Programs beside this test may have got the same port, to connect to other places.
    expect(new Set(codesOf(report))).toEqual(new Set(['ephemeral']));
    expect(report.causes.map((cause) => cause.pid)).toContain(pid);
    expect(report.advice.join()).toMatch(/ip_local_reserved_ports=\S*\d/);
  });

  test('ephemeral: each of the programs that got the port is named, once', async () => {
    const { port, pid } = await stage('client');
    using server = new SocketHandle();
    server.bind();
    server.listen();
    using client = new SocketHandle();
    client.setOption('IP_LOCAL_PORT_RANGE', { low: port, high: port });
    client.connect('127.0.0.1', server.address().port);
    const { causes } = await explainPort(port, { host: '127.0.0.1' });
    const ours = causes.filter((cause) => cause.pid === pid || cause.pid === process.pid);
    expect(ours).toHaveLength(2);
    expect(new Set(ours.map((cause) => cause.pid))).toEqual(new Set([pid, process.pid]));
    for (const { cause, pid, message } of ours) {
      expect(cause).toBe('ephemeral');
      expect(message).toContain(`(pid ${pid}) has a connection to 127.0.0.1:`);
    }
  });

  test('reuseport-shared: a socket of the same user may share the port', async () => {
    const { port, pid } = await stage('listening', ['127.0.0.1', 0, '{"reuse_port":1}']);
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(codesOf(report)).toEqual(['listening', 'reuseport-shared']);
    expect(causeOf(report, 'reuseport-shared').pid).toBe(pid);
    const last = report.binds.at(-1);
    expect(last).toEqual({ host: '127.0.0.1', options: ['SO_REUSEPORT'], result: 'Success' });
  });

  test('unresponsive: a process that is stopped', async () => {
    const { port, pid, child, ended } = await stage('listening');
    child.kill('SIGSTOP');
    await stopped(pid);
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'unresponsive')).toMatchObject({ pid });
    // To be reached again it has to go on; to free the port it has to be killed as a stopped one.
    follow(causeOf(report, 'unresponsive').advice);
    expect(codesOf(await explainPort(port, { host: '127.0.0.1' }))).toEqual(['listening']);
    child.kill('SIGSTOP');
    follow(causeOf(report, 'listening').advice);
    await ended;
    expect(bindResult('127.0.0.1', port)).toBe('Success');
  });

  test('unresponsive: a queue that is full', async () => {
    const { port, pid } = await stage('full');
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'unresponsive')).toMatchObject({
      pid,
      message: expect.stringContaining('2 connections wait'),
    });
  });

  test('elsewhere: it listens on another address', async () => {
    const { port, pid } = await stage('listening');
    const report = await explainPort(port, { host: '127.0.0.2' });
    expect(report.free).toBe(true);
    expect(codesOf(report)).toEqual(['elsewhere', 'free']);
    expect(causeOf(report, 'elsewhere')).toMatchObject({ pid, address: '127.0.0.1' });
    const everywhere = await explainPort(port);
    expect(codesOf(everywhere)).toEqual(['listening', 'elsewhere']);
  });

  test('container: a proxy that publishes the port', async () => {
    const proxied = ['-container-ip', '172.17.0.2', '-container-port', '80'];
    const { port, pid } = await stage('named', [
      'docker-proxy',
      'listening',
      '127.0.0.1',
      0,
      '{}',
      ...proxied,
    ]);
    const report = await explainPort(port, { host: '127.0.0.1' });
    const cause = causeOf(report, 'container');
    expect(cause).toMatchObject({ pid, message: expect.stringContaining('172.17.0.2') });
    expect(report.advice[0]).toContain(`docker ps --filter publish=${port}`);
    expect(report.advice.join()).not.toContain('kill');
  });
});

describe('explainPort of UDP', unixOnly('Windows’ sockets share by other rules'), () => {
  test('names who receives, and tries no bind that would take datagrams', async () => {
    const { port, pid, ended } = await stage('receiving', ['127.0.0.1', 1]);
    const report = await explainPort(port, { protocol: 'udp', host: '127.0.0.1' });
    expect(report).toMatchObject({ protocol: 'udp', free: false });
    expect(causeOf(report, 'listening')).toMatchObject({
      pid,
      message: expect.stringContaining('receives'),
    });
    expect(report.binds.map(({ options }) => options)).toEqual([[]]);
    expect(await explainPort(port, { host: '127.0.0.1' })).toMatchObject({ free: true });
    follow(report.advice);
    await ended;
    expect(await explainPort(port, { protocol: 'udp' })).toMatchObject({ free: true });
  });
});
