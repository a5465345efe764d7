import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { explainPort, type PortReport, SocketHandle } from '../../src/index';
import { freePort } from '../support/free-port';
import { startHolder } from '../support/holder';
import { dist, fixture } from '../support/paths';
import { isLinux, linuxOnly, runWhen } from '../support/platform';
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
    const { port, pid, other, ended, next } = await stage('inherited');
    const report = await explainPort(port, { host: '127.0.0.1' });
    expect(causeOf(report, 'listening')).toMatchObject({ pid });
    expect(causeOf(report, 'inherited')).toMatchObject({ pid: other, command: 'sleep 1000' });
    follow(causeOf(report, 'inherited').advice);
    // kill(1) does not wait for it, and the socket stays open until it has ended.
    expect(await next()).toMatchObject({ ended: other });
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
