import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { PortReport } from '../../../src/index';
import { fixture } from '../../support/paths';
import { causeOf, codesOf, commandIn } from '../../support/stage';

const STAGE = ['python3', fixture('inspection/stage.py')];
const EXPLAIN = [process.execPath, fixture('inspection/explain-port.cjs')];

/** A network namespace of its own, in which a shell runs commands. */
class Namespace {
  readonly #pid: number;

  private constructor(pid: number) {
    this.#pid = pid;
  }

  static async open(...setup: string[]): Promise<Namespace> {
    const child = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => {
      child.stdin.end();
    });
    await once(child.stdout, 'data');
    const namespace = new Namespace(child.pid ?? 0);
    for (const command of setup) namespace.run('sh', '-c', command);
    return namespace;
  }

  /** A command's arguments, so that it runs in here. */
  inside(...command: string[]): [string, string[]] {
    return ['nsenter', ['--target', String(this.#pid), '--net', ...command]];
  }

  run(...command: string[]): string {
    const { status, stdout, stderr } = spawnSync(...this.inside(...command), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** Runs the command in an advice. */
  follow(advice: readonly string[], pattern?: RegExp): void {
    this.run('sh', '-c', commandIn(advice, pattern));
  }

  explain(port: number, options: object = {}, ...before: string[]): PortReport {
    return JSON.parse(this.run(...before, ...EXPLAIN, String(port), JSON.stringify(options)));
  }

  /** Starts a stage in here; what it tells first. */
  async stage(name: string, ...args: (string | number)[]) {
    const [command, rest] = this.inside(...STAGE, name, ...args.map(String));
    return await staged(spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] }));
  }
}

async function staged(
  child: ChildProcess,
): Promise<{ pid: number; port: number; child: ChildProcess }> {
  onTestFinished(() => {
    child.stdin?.end();
  });
  if (!child.stdout) throw new Error('no output');
  const [line] = await once(createInterface(child.stdout), 'line');
  return { ...JSON.parse(String(line)), child };
}

const LOOPBACK = 'ip link set lo up';

describe('explainPort in a network namespace', () => {
  test('no-loopback: its advice switches it on', async () => {
    const namespace = await Namespace.open();
    const report = namespace.explain(8080, { host: '::1' });
    expect(report.free).toBe(false);
    expect(codesOf(report)).toEqual(['no-loopback']);
    // 127.0.0.1 can be bound all the same, and is not reached.
    expect(codesOf(namespace.explain(8080, { host: '127.0.0.1' }))).toEqual([
      'no-loopback',
      'free',
    ]);
    namespace.follow(report.advice);
    expect(codesOf(namespace.explain(8080, { host: '::1' }))).toEqual(['free']);
  });

  test('no-ipv6: the advice names the IPv4 address, and switches IPv6 on', async () => {
    const namespace = await Namespace.open(LOOPBACK, 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1');
    const report = namespace.explain(8080, { host: '::1' });
    expect(codesOf(report)).toEqual(['no-ipv6']);
    expect(commandIn(report.advice)).toBe('--host 127.0.0.1');
    expect(codesOf(namespace.explain(8080, { host: '127.0.0.1' }))).toEqual(['free']);
    expect(namespace.explain(8080).free).toBe(true);
    namespace.follow(report.advice, /sysctl/);
    expect(codesOf(namespace.explain(8080, { host: '::1' }))).toEqual(['free']);
  });

  test('range-exhausted: a wider range has ports again', async () => {
    const namespace = await Namespace.open(
      LOOPBACK,
      'sysctl -qw net.ipv4.ip_local_port_range="50000 50001"',
    );
    await namespace.stage('listening', '0.0.0.0', 50000);
    await namespace.stage('listening', '0.0.0.0', 50001);
    const report = namespace.explain(0);
    expect(report.free).toBe(false);
    expect(codesOf(report)).toEqual(['range-exhausted']);
    expect(report.causes[0]?.message).toContain('50000 to 50001');
    namespace.follow(report.advice);
    expect(codesOf(namespace.explain(0))).toEqual(['free']);
  });

  test('range-exhausted: all of the range are reserved', async () => {
    const namespace = await Namespace.open(
      LOOPBACK,
      'sysctl -qw net.ipv4.ip_local_port_range="50000 50001"',
      'sysctl -qw net.ipv4.ip_local_reserved_ports=50000-50001',
    );
    const report = namespace.explain(0);
    expect(causeOf(report, 'range-exhausted').message).toContain('ip_local_reserved_ports');
    namespace.follow(report.advice);
    expect(codesOf(namespace.explain(0))).toEqual(['free']);
  });

  test('ephemeral: from the advice on clients are kept off the port', async () => {
    const namespace = await Namespace.open(LOOPBACK);
    const { port, pid, child } = await namespace.stage('client');
    const report = namespace.explain(port);
    expect(causeOf(report, 'ephemeral')).toMatchObject({ pid });
    namespace.follow(report.advice, /reserved_ports/);
    expect(namespace.run('sysctl', '-n', 'net.ipv4.ip_local_reserved_ports').trim()).toBe(
      String(port),
    );
    const ended = once(child, 'exit');
    namespace.follow(report.advice, /kill/);
    await ended;
  });

  test('device: another interface is free, as the binds and the advice say', async () => {
    const namespace = await Namespace.open(
      LOOPBACK,
      'ip link add here type veth peer name there',
      'ip addr add 192.0.2.1/24 dev here',
      'ip link set here up',
      'ip link set there up',
    );
    const { pid, child } = await namespace.stage('listening', '0.0.0.0', 8080, '{"device":"lo"}');
    const report = namespace.explain(8080);
    expect(report.free).toBe(false);
    expect(codesOf(report)).toEqual(['device']);
    const cause = causeOf(report, 'device');
    expect(cause).toMatchObject({ pid, message: expect.stringContaining('interface lo alone') });
    expect(report.binds).toContainEqual({
      host: '0.0.0.0',
      options: ['SO_BINDTODEVICE'],
      device: 'here',
      result: 'Success',
    });
    expect(cause.advice[0]).toContain('here');
    const beside = await namespace.stage('listening', '0.0.0.0', 8080, '{"device":"here"}');
    expect(beside.port).toBe(8080);
    beside.child.stdin?.end();
    await once(beside.child, 'exit');
    const ended = once(child, 'exit');
    namespace.follow(report.advice, /kill/);
    await ended;
    expect(codesOf(namespace.explain(8080))).toEqual(['free']);
  });

  test('redirected: a rule sends connections to another port', async () => {
    const namespace = await Namespace.open(
      LOOPBACK,
      'nft add table ip nat',
      "nft add chain ip nat output '{ type nat hook output priority -100; }'",
      'nft add rule ip nat output tcp dport 8080 redirect to :9090',
    );
    await namespace.stage('listening', '127.0.0.1', 9090);
    const report = namespace.explain(8080);
    // The bind works, and yet a server would get nothing.
    expect(report.free).toBe(true);
    expect(codesOf(report)).toEqual(['redirected', 'free']);
    expect(causeOf(report, 'redirected').address).toBe('127.0.0.1');
    expect(namespace.run('sh', '-c', commandIn(report.advice).replace('sudo ', ''))).toContain(
      'redirect to :9090',
    );
    namespace.run('nft', 'delete', 'table', 'ip', 'nat');
    expect(codesOf(namespace.explain(8080))).toEqual(['free']);
  });

  const OUTPUT = [
    LOOPBACK,
    'nft add table inet gone',
    "nft add chain inet gone output '{ type nat hook output priority -100; }'",
    "nft add chain inet gone filter '{ type filter hook output priority 0; }'",
  ];

  test.each([
    ['redirects it to a port where nobody listens', 'output tcp dport 8080 redirect to :9090'],
    [
      'sends it to another machine that does not answer',
      'output tcp dport 8080 dnat ip to 192.0.2.9',
    ],
    ['refuses it', 'filter tcp dport 8080 reject with tcp reset'],
    ['drops it', 'filter tcp dport 8080 drop'],
  ])('redirected: a rule %s', async (_, rule) => {
    const away = [
      'ip link add here type veth peer name there',
      'ip addr add 192.0.2.1/24 dev here',
      'ip link set here up',
      'ip link set there up',
    ];
    const namespace = await Namespace.open(...OUTPUT, ...away, `nft add rule inet gone ${rule}`);
    for (const host of ['127.0.0.1', ...(rule.includes('dnat') ? [] : ['::1'])]) {
      const report = namespace.explain(8080, { host });
      expect(codesOf(report)).toEqual(['redirected', 'free']);
      expect(causeOf(report, 'redirected').address).toBe(host);
      expect(causeOf(report, 'redirected').message).toContain('does not reach itself');
    }
    expect(codesOf(namespace.explain(8080))).toEqual(['redirected', 'free']);
    // Other ports are as free as they look, and no connection of ours is left on any.
    expect(codesOf(namespace.explain(8081))).toEqual(['free']);
    expect(namespace.run('ss', '-tanH')).toBe('');
    namespace.run('nft', 'delete', 'table', 'inet', 'gone');
    expect(codesOf(namespace.explain(8080))).toEqual(['free']);
  });

  test('redirected: a rule for every port says nothing of one', async () => {
    const namespace = await Namespace.open(
      ...OUTPUT,
      'nft add rule inet gone filter tcp dport 1-65535 drop',
    );
    expect(codesOf(namespace.explain(8080))).toEqual(['free']);
  });

  test('privileged: from the advice on everybody may bind the port', async () => {
    const namespace = await Namespace.open(LOOPBACK);
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const report = namespace.explain(81, {}, ...nobody);
    expect(codesOf(report)).toEqual(['privileged']);
    namespace.run('sh', '-c', commandIn(report.advice).replace('sudo ', ''));
    expect(codesOf(namespace.explain(81, {}, ...nobody))).toEqual(['free']);
  });

  test('needs-zone: the advice names the interface', async () => {
    const namespace = await Namespace.open(LOOPBACK, 'ip addr add fe80::b1d/64 dev lo nodad');
    const report = namespace.explain(8080, { host: 'fe80::b1d' });
    expect(codesOf(report)).toEqual(['needs-zone']);
    const [, host = ''] = /--host (\S+)/.exec(commandIn(report.advice)) ?? [];
    expect(namespace.explain(8080, { host }).free).toBe(true);
  });

  test('hidden: a process of another pid namespace', async () => {
    const namespace = await Namespace.open(LOOPBACK);
    const { port, pid, child } = await namespace.stage('listening');
    const report = namespace.explain(port, {}, 'unshare', '--pid', '--fork', '--mount-proc');
    expect(codesOf(report)).toEqual(['listening', 'hidden', 'elsewhere']);
    expect(causeOf(report, 'hidden')).not.toHaveProperty('pid');
    expect(causeOf(report, 'hidden').message).toContain('another pid namespace');
    // On the host, as advised.
    const outside = namespace.explain(port);
    expect(causeOf(outside, 'listening').pid).toBe(pid);
    const ended = once(child, 'exit');
    namespace.follow(outside.advice);
    await ended;
    expect(codesOf(namespace.explain(port))).toEqual(['free']);
  });

  test('system-service: systemd has the port for a service', async () => {
    const namespace = await Namespace.open(LOOPBACK);
    const systemd = ['named', 'systemd', 'explained', '8080', ...EXPLAIN];
    const report: PortReport = JSON.parse(
      namespace.run('unshare', '--pid', '--fork', '--mount-proc', ...STAGE, ...systemd),
    );
    expect(codesOf(report)).toEqual(['listening', 'system-service', 'elsewhere']);
    expect(causeOf(report, 'system-service').pid).toBe(1);
    expect(report.advice[0]).toContain('systemctl list-sockets | grep :8080');
    expect(report.advice.join()).not.toContain('kill');
  });
});
