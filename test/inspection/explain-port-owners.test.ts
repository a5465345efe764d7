import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { constants, explainPort, type PortReport, SocketHandle, setsockopt } from '../../src/index';
import { openSockets } from '../support/descriptors';
import { freePort } from '../support/free-port';
import { startHolder } from '../support/holder';
import { needsIpv6 } from '../support/network';
import { dist, fixture } from '../support/paths';
import { isLinux, linuxOnly, notInWine, runWhen } from '../support/platform';
import { causeOf, codesOf, follow, stage } from '../support/stage';

const NOBODY = 65534;

interface Elsewhere {
  uid?: number;
  /** A program of stage.py that runs the command it is given. */
  within?: string;
}

/** What explainPort tells a process of its own; undefined where the sandbox is not to be had. */
function reportOf(port: number, options: object, { uid, within }: Elsewhere) {
  const explain = [fixture('inspection/explain-port.cjs'), String(port), JSON.stringify(options)];
  const command = [process.execPath, ...explain];
  if (within !== undefined) command.unshift('python3', fixture('inspection/stage.py'), within);
  const [program = '', ...args] = command;
  const { stdout, stderr, status } = spawnSync(program, args, {
    encoding: 'utf8',
    ...(uid !== undefined && { uid, gid: uid }),
  });
  if (status === 77) return undefined;
  if (stdout === '') throw new Error(stderr);
  const report: PortReport = JSON.parse(stdout);
  return report;
}

function asNobody(port: number, options: object = {}): PortReport {
  const report = reportOf(port, options, { uid: NOBODY });
  if (report === undefined) throw new Error('no report');
  return report;
}

const isRoot = isLinux && process.geteuid?.() === 0;

function nobodyCanRun(): boolean {
  if (!isRoot) return false;
  const options = { uid: NOBODY, gid: NOBODY };
  return (
    spawnSync(process.execPath, ['-e', 'require(process.argv[1])', dist], options).status === 0
  );
}

const needsRoot = runWhen(isRoot, 'needs root');
const asOrdinaryUser = runWhen(
  nobodyCanRun(),
  'needs root, and a checkout that other users can read',
);

/** Whether the port can be bound on 127.0.0.1. */
function isBindable(port: number): boolean {
  using socket = new SocketHandle();
  try {
    socket.bind('127.0.0.1', port);
    return true;
  } catch {
    return false;
  }
}

describe('explainPort finds who has a socket', linuxOnly('other systems tell less'), () => {
  test('in-flight: a descriptor that nobody has received', needsRoot, async () => {
    const { port, pid, ended } = await stage('in_flight');
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(codesOf(report)).toEqual(['listening', 'in-flight']);
    const cause = causeOf(report, 'in-flight');
    expect(cause.message).toContain(`pid ${pid}`);
    // Programs of other tests may have descriptors on their way at this moment.
    if (cause.message.includes(' or ')) process.kill(pid);
    else follow(cause.advice);
    await ended;
    expect(isBindable(port)).toBe(true);
  });

  test('inherited: a child that has its server’s socket', async () => {
    const { port, pid, other, ended } = await stage('inherited');
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'listening')).toMatchObject({ pid });
    expect(causeOf(report, 'inherited')).toMatchObject({ pid: other, command: 'sleep 1000' });
    follow(causeOf(report, 'inherited').advice);
    follow(causeOf(report, 'listening').advice);
    await ended;
    expect(isBindable(port)).toBe(true);
  });

  test('inherited: a child whose server has ended', async () => {
    const { port, other, next } = await stage('left_behind');
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'inherited')).toMatchObject({ pid: other, command: 'sleep 1000' });
    follow(report.advice);
    expect(await next()).toMatchObject({ ended: other });
    expect(isBindable(port)).toBe(true);
  });

  test('several processes of one program are no heirs', async () => {
    using listener = new SocketHandle();
    listener.bind();
    listener.listen();
    const { port } = listener.address();
    const worker = spawnWorker(listener.fd);
    await once(worker, 'message');
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(codesOf(report)).toEqual(['listening']);
    expect(report.holders[0]?.processes.map(({ pid }) => pid)).toContain(worker.pid);
    // The workers of a server end with it.
    expect(report.advice[0]).toContain(`kill ${process.pid}\``);
  });

  test('main-thread-ended: a process that other tools do not find', async () => {
    const { port, pid, child } = await startHolder('thread');
    const ended = once(child, 'exit');
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'main-thread-ended')).toMatchObject({ pid });
    follow(report.advice);
    await ended;
    expect(codesOf(await explainPort(port, { host: '127.0.0.1' }))).toEqual(['free']);
  });

  test('reuseport-user: only its own user may share the port', needsRoot, async () => {
    const shared = '{"reuse_port":1}';
    const { port, pid } = await stage('as_user', [NOBODY, 'listening', '127.0.0.1', 0, shared]);
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(codesOf(report)).toEqual(['listening', 'reuseport-user']);
    const cause = causeOf(report, 'reuseport-user');
    expect(cause).toMatchObject({ pid, uid: NOBODY });
    // Its advice: as that user.
    const beside = await stage('as_user', [NOBODY, 'listening', '127.0.0.1', port, shared]);
    expect(beside.port).toBe(port);
    const both = await explainPort(port, { host: '127.0.0.1' });
    expect(both.holders.map(({ processes }) => processes[0]?.pid).toSorted()).toEqual(
      [pid, beside.pid].toSorted(),
    );
  });
});

/** A Node process that has the descriptor, too. */
function spawnWorker(fd: number) {
  const child = spawn(
    process.execPath,
    ['-e', 'process.send("here"); process.stdin.resume().on("end", () => process.exit())'],
    { stdio: ['pipe', 'inherit', 'inherit', fd, 'ipc'] },
  );
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

describe('explainPort as an ordinary user', asOrdinaryUser, () => {
  test('other-user: says that root sees whose it is', async () => {
    const { port } = await stage('listening');
    const report = asNobody(port, { host: '127.0.0.1' });
    expect(codesOf(report)).toEqual(['listening', 'other-user']);
    const cause = causeOf(report, 'other-user');
    expect(cause).toMatchObject({ uid: 0, user: 'root' });
    expect(cause).not.toHaveProperty('pid');
    expect(cause.advice[0]).toContain(`sudo bindport why ${port}`);
    expect(report.holders).toMatchObject([
      { processes: [], unseen: [{ what: 'processes', right: 'root' }] },
    ]);
  });

  test('names its own processes, with their options', async () => {
    const { port, pid, ended } = await stage('as_user', [NOBODY, 'listening']);
    const report = asNobody(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'listening')).toMatchObject({ pid, uid: NOBODY });
    expect(report.holders[0]).toMatchObject({ options: { SO_REUSEADDR: false }, unseen: [] });
    expect(report.advice[0]).toContain(`\`kill ${pid}\``);
    follow(report.advice);
    await ended;
    expect(isBindable(port)).toBe(true);
  });

  test('says which right shows options that it may not read', async () => {
    // Undumpable after setuid: its descriptors are root's alone, as of a setuid program.
    const { port } = await stage('as_user', [NOBODY, 'closed', 'listening']);
    const report = asNobody(port, { host: '127.0.0.1' });
    const [holder] = report.holders;
    expect(holder?.unseen).toMatchObject([{ right: 'root' }]);
    expect(holder).not.toHaveProperty('options');
    // Without knowing the holder's no bind with SO_REUSEPORT is tried.
    expect(report.binds.some(({ options }) => options.includes('SO_REUSEPORT'))).toBe(false);
  });

  test('privileged: a port below those that everybody may bind', () => {
    const report = asNobody(81);
    expect(report.free).toBe(false);
    const cause = causeOf(report, 'privileged');
    expect(cause.advice[0]).toContain('sysctl -w net.ipv4.ip_unprivileged_port_start=81');
    expect(cause.advice[1]).toContain('setcap cap_net_bind_service=+ep');
    expect(report.binds).toContainEqual({ host: '0.0.0.0', options: [], result: 'EACCES' });
  });
});

describe('explainPort in a sandbox', linuxOnly('Landlock and seccomp are Linux’'), () => {
  test('forbidden: by Landlock', (context) => {
    const port = freePort();
    const report = reportOf(port, { host: '127.0.0.1' }, { within: 'landlock' });
    if (report === undefined) return context.skip('the kernel has no Landlock for TCP');
    expect(codesOf(report)).toEqual(['forbidden']);
    expect(causeOf(report, 'forbidden').message).toContain('Landlock');
    expect(report.binds[0]?.result).toBe('EACCES');
    // Outside of the sandbox, as advised.
    expect(isBindable(port)).toBe(true);
  });

  test('forbidden: by a seccomp filter', (context) => {
    const port = freePort();
    const report = reportOf(port, { host: '127.0.0.1' }, { within: 'seccomp' });
    if (report === undefined) return context.skip('the kernel has no seccomp filters');
    expect(codesOf(report)).toEqual(['forbidden']);
    expect(causeOf(report, 'forbidden').message).toContain('seccomp');
    expect(isBindable(port)).toBe(true);
  });
});

describe('explainPort disturbs nobody', () => {
  async function server(host: string): Promise<Server & { port: number }> {
    const found = createServer((socket) => socket.on('error', () => {}).end('served'));
    onTestFinished(() => {
      found.close();
    });
    found.listen(0, host);
    await once(found, 'listening');
    return Object.assign(found, { port: Object(found.address()).port });
  }

  async function visit(port: number): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('utf8');
    let text = '';
    for await (const part of socket.iterator({ destroyOnReturn: false })) text += part;
    // So that thousands of connections in TIME_WAIT do not stay for other tests to list.
    socket.resetAndDestroy();
    return text;
  }

  test(
    'no connection is lost, and none is let in elsewhere',
    notInWine('its TCP table has no processes'),
    async () => {
      const { port } = await server('127.0.0.1');
      let explaining = true;
      let visits = 0;
      const clients = Array.from({ length: 4 }, async () => {
        while (explaining) {
          expect(await visit(port)).toBe('served');
          visits++;
        }
      });
      try {
        for (let i = 0; i < 1000; i++) {
          const report = await explainPort(port, { host: i % 2 === 0 ? '127.0.0.1' : '' });
          expect(causeOf(report, 'listening').pid).toBe(process.pid);
          // Lets the clients have their turn.
          if (i % 10 === 0) await visit(port);
        }
      } finally {
        explaining = false;
        await Promise.all(clients);
      }
      expect(visits).toBeGreaterThan(100);
    },
  );

  const sharing = linuxOnly('the others share ports by other rules');

  test('a port that nobody may share can be shared by nobody afterwards', {
    ...needsIpv6,
    ...sharing,
  }, async () => {
    // The hazard: a bind of 0.0.0.0 with SO_REUSEPORT beside a V6ONLY listener without it leaves the port
    // open to dual-stack sockets with the option (tb->fastreuseport).
    const { SO_REUSEPORT = 0, SOL_SOCKET, IPPROTO_IPV6, IPV6_V6ONLY = 0 } = constants;
    using listener = new SocketHandle(constants.AF_INET6);
    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, true);
    const port = freePort();
    listener.bind('::', port);
    listener.listen();
    const intrude = (host: string): string => {
      using thief = new SocketHandle(constants.AF_INET6);
      setsockopt(thief, SOL_SOCKET, SO_REUSEPORT, true);
      setsockopt(thief, IPPROTO_IPV6, IPV6_V6ONLY, false);
      try {
        thief.bind(host, port);
        return 'Success';
      } catch (error) {
        return String(Object(error).code);
      }
    };
    expect(intrude('::')).toBe('EADDRINUSE');
    for (const host of ['', '0.0.0.0', '::', '::1', '127.0.0.1']) {
      const { binds } = await explainPort(port, { host });
      expect(binds.some(({ options }) => options.includes('SO_REUSEPORT'))).toBe(false);
      expect(intrude('::')).toBe('EADDRINUSE');
    }
    // The hazard is real: the bind that no probe tries opens the port.
    const probe = new SocketHandle();
    setsockopt(probe, SOL_SOCKET, SO_REUSEPORT, true);
    probe.bind('0.0.0.0', port);
    probe.close();
    expect(intrude('::')).toBe('Success');
  });

  test('SO_REUSEPORT is not tried where another socket on the port lacks it', sharing, async () => {
    const { SOL_SOCKET, SO_REUSEPORT = 0 } = constants;
    using listener = new SocketHandle();
    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, true);
    listener.bind('127.0.0.1', 0);
    listener.listen();
    const { port } = listener.address();
    const tried = async () =>
      (await explainPort(port)).binds.filter(({ options }) => options.includes('SO_REUSEPORT'));
    expect(await tried()).toMatchObject([{ host: '127.0.0.1', result: 'Success' }]);
    using other = new SocketHandle();
    other.bind('127.0.0.2', port);
    expect(await tried()).toEqual([]);
  });

  test('nothing is left open', linuxOnly('descriptors are counted in /proc'), async () => {
    const { port } = await server('127.0.0.1');
    const free = freePort();
    await explainPort(free);
    const before = openSockets().length;
    for (let i = 0; i < 50; i++) {
      await explainPort(port);
      await explainPort(free, { protocol: 'udp' });
    }
    expect(openSockets()).toHaveLength(before);
  });
});
