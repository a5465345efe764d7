import { describe, expect, test } from 'vitest';
import type { PortFacts } from '../../src/inspection/explain/facts';
import type { HolderFacts } from '../../src/inspection/explain/holders';
import type { PortHolder } from '../../src/inspection/explain/report';
import { adviceOf, causesOf, isFree } from '../../src/inspection/explain/rules';
import type { SystemFacts } from '../../src/inspection/explain/system-facts';
import { parseHidesProcesses, parsePorts, parseStatus } from '../../src/inspection/linux/system';
import { linuxOnly, unixOnly } from '../support/platform';

const system: SystemFacts = {
  ephemeral: { low: 32768, high: 60999 },
  reserved: [],
  unprivileged: 1024,
  status: { bindsPrivileged: false, tracesOthers: false, filtered: false, seesAllProcesses: true },
  listsBound: true,
  refusesKeptPorts: false,
  addresses: [{ name: 'lo', address: '127.0.0.1', internal: true }],
  uid: 1000,
};

function facts(result: string, given: Partial<PortFacts> = {}): PortFacts {
  return {
    port: 5000,
    protocol: 'tcp',
    host: '0.0.0.0',
    asked: ['0.0.0.0'],
    holders: [],
    binds: [{ host: '0.0.0.0', options: [], result }],
    loopback: true,
    answered: [],
    astray: [],
    system,
    ...given,
  };
}

function listener(process: object, given: Partial<PortHolder> = {}): HolderFacts {
  const holder = { pid: 4711, ...process };
  const socket: PortHolder = {
    protocol: 'tcp',
    type: 'stream',
    state: 'LISTEN',
    local: { address: '0.0.0.0', family: 'IPv4', port: 5000 },
    processes: [holder],
    unseen: [],
    ...given,
  };
  const leaders = socket.processes;
  return {
    socket,
    leaders,
    heirs: [],
    stopped: [],
    receivers: [],
    reservedBy: undefined,
    client: false,
  };
}

const codes = (of: PortFacts) => causesOf(of).map(({ cause }) => cause);
const held = (holder: HolderFacts, given: Partial<PortFacts> = {}) =>
  facts('EADDRINUSE', { holders: [holder], ...given });

describe('the rules of explainPort', () => {
  test('a bind that works is free, and nothing is advised', () => {
    const free = facts('Success');
    expect(isFree(free)).toBe(true);
    expect(codes(free)).toEqual(['free']);
    expect(adviceOf(causesOf(free), true)).toEqual([]);
  });

  test(
    'what programs are called is shown with its hidden characters, and units are quoted',
    unixOnly('units are systemd’s, and advice is in the words of each system'),
    () => {
      const name = 'a\x1b[2J\u202e';
      const cgroup = { path: '/a\\x2db.service', unit: 'a\\x2db.service' };
      const [cause] = causesOf(held(listener({ name, command: name }, { cgroup })));
      expect(cause).toMatchObject({
        message: 'a\\x1b[2J\\u{202e} (pid 4711) listens on 0.0.0.0:5000.',
        command: name,
      });
      expect(cause?.advice).toEqual([
        '`kill 4711` ends a\\x1b[2J\\u{202e}.',
        "Where a\\x2db.service starts it again: `sudo systemctl stop 'a\\x2db.service'`.",
      ]);
    },
  );

  test('macOS’ AirPlay has 5000 and 7000', () => {
    const airplay = listener({ name: 'ControlCenter' });
    expect(codes(held(airplay))).toEqual(['listening', 'system-service']);
    const [, service] = causesOf(held(airplay));
    expect(service?.advice.join()).toContain('AirPlay Receiver');
    expect(codes(held(airplay, { port: 5001 }))).toEqual(['listening']);
  });

  test('Windows’ HTTP.sys is process 4', () => {
    const http = listener({ pid: 4, name: 'System' });
    const windows = { ...system, uid: undefined, status: undefined, ephemeral: undefined };
    const causes = causesOf(held(http, { system: windows }));
    expect(causes.map(({ cause }) => cause)).toEqual(['listening', 'system-service']);
    const advice = adviceOf(causes, false);
    expect(advice[0]).toContain('netsh http show servicestate');
    // Nobody ends the system itself.
    expect(advice.join()).not.toMatch(/kill 4\b|PID 4\b/);
    expect(codes(held(http))).toEqual(['listening']);
  });

  test('Windows refuses a port of an excluded range without an owner', () => {
    const windows = { ...system, refusesKeptPorts: true, unprivileged: 0 };
    const causes = causesOf(facts('EACCES', { system: windows }));
    expect(causes.map(({ cause }) => cause)).toEqual(['excluded-range']);
    expect(causes[0]?.advice[0]).toContain('netsh int ipv4 show excludedportrange');
  });

  test('a container is told by its control group', () => {
    const id = '0123456789abcdef'.repeat(4);
    const cgroup = { path: `/system.slice/docker-${id}.scope`, container: id };
    const causes = causesOf(held(listener({ name: 'nginx' }, { cgroup })));
    expect(causes.map(({ cause }) => cause)).toEqual(['listening', 'container']);
    expect(adviceOf(causes, false)[0]).toContain('docker stop 0123456789ab');
  });

  test('a program that is only called with a proxy’s name is none', () => {
    const editor = listener({ name: 'vim', command: 'vim docker-proxy' });
    expect(codes(held(editor))).toEqual(['listening']);
  });

  test('a unit of systemd starts its service again', linuxOnly('systemd'), () => {
    const cgroup = { path: '/system.slice/nginx.service', unit: 'nginx.service' };
    const advice = adviceOf(causesOf(held(listener({ name: 'nginx' }, { cgroup, uid: 0 }))), false);
    expect(advice[0]).toBe('`sudo kill 4711` ends nginx.');
    expect(advice[1]).toContain('`sudo systemctl stop nginx.service`');
  });

  test('the processes of another user’s unit are named as far as they can be', () => {
    const nginx = listener(
      {},
      {
        uid: 0,
        user: 'root',
        inode: 1,
        processes: [],
        unseen: [{ what: 'processes', right: 'root', message: '' }],
        cgroup: {
          path: '/system.slice/nginx.service',
          unit: 'nginx.service',
          processes: [{ pid: 12, name: 'nginx' }],
        },
      },
    );
    const causes = causesOf(held(nginx));
    expect(causes.map(({ cause }) => cause)).toEqual(['listening', 'other-user']);
    expect(causes[1]?.message).toContain('nginx (pid 12)');
    expect(causes[1]?.advice.join()).toContain('`systemctl status nginx.service`');
  });

  test('without a socket that is seen, it is one that is not shown, or Windows’', () => {
    expect(codes(facts('EADDRINUSE'))).toEqual(['hidden']);
    expect(causesOf(facts('EADDRINUSE'))[0]?.advice.join()).toContain('netstat.exe -ano');
    const older = { ...system, listsBound: false };
    expect(codes(facts('EADDRINUSE', { system: older }))).toEqual(['bound']);
  });

  test('an error that sockets do not give is somebody’s refusal', () => {
    const of = (tcp: boolean, udp: boolean) =>
      causesOf(facts('EPERM', { choiceWorks: { tcp, udp } }))[0];
    expect(of(true, true)).toMatchObject({ cause: 'forbidden' });
    expect(of(true, true)?.message).toContain('SELinux');
    expect(of(false, true)?.message).toContain('Landlock');
    expect(of(false, false)?.message).toContain('every bind');
    const root = {
      ...system,
      status: {
        bindsPrivileged: true,
        tracesOthers: true,
        filtered: false,
        seesAllProcesses: true,
      },
    };
    const low = { port: 81, choiceWorks: { tcp: true, udp: true } };
    expect(codes(facts('EACCES', low))).toEqual(['privileged']);
    expect(codes(facts('EACCES', { ...low, system: root }))).toEqual(['forbidden']);
  });

  test('a process that root may not look into is another user’s', () => {
    const unseen = [{ what: 'processes', right: 'CAP_SYS_PTRACE', message: '' }] as const;
    const holder = listener({}, { processes: [], unseen: [...unseen], inode: 1, user: 'www-data' });
    const [, cause] = causesOf(facts('EADDRINUSE', { holders: [holder] }));
    expect(cause).toMatchObject({ cause: 'other-user' });
    expect(cause?.message).toContain('www-data has it, and this root lacks CAP_SYS_PTRACE');
  });

  test('connections are no cause where no bind is refused', () => {
    const connection = listener(
      {},
      { state: 'ESTABLISHED', remote: { address: '192.0.2.1', family: 'IPv4', port: 443 } },
    );
    expect(codes(facts('Success', { holders: [connection] }))).toEqual(['free']);
    expect(codes(held(connection))).toEqual(['connected']);
    const port = 40000;
    const local = { address: '127.0.0.1', family: 'IPv4', port } as const;
    const client = { ...connection, socket: { ...connection.socket, local } };
    expect(codes(held(client, { port }))).toEqual(['ephemeral']);
    const advice = adviceOf(
      causesOf(
        held(client, {
          port,
          system: {
            ...system,
            reserved: [
              { low: 8080, high: 8080 },
              { low: 9000, high: 9010 },
            ],
          },
        }),
      ),
      false,
    );
    // What is reserved already stays so.
    expect(advice.join()).toContain('ip_local_reserved_ports=8080,9000-9010,40000');
  });

  test('connections of one port are told by the program, or the user, that has them', () => {
    const remote = { address: '192.0.2.1', family: 'IPv4', port: 443 } as const;
    const local = { address: '127.0.0.1', family: 'IPv4', port: 40000 } as const;
    const of = (given: Partial<PortHolder>, pid = 1) =>
      listener({ pid, name: 'curl' }, { state: 'ESTABLISHED', local, remote, ...given });
    const unseen = [{ what: 'processes', right: 'root', message: '' }] as const;
    const owned = (uid: number) => of({ uid, inode: uid, processes: [], unseen: [...unseen] });
    const holders = [of({}), of({}, 2), of({}, 2), owned(7), owned(8), owned(8)];
    const causes = causesOf(facts('EADDRINUSE', { port: 40000, holders }));
    const ephemeral = causes.filter(({ cause }) => cause === 'ephemeral');
    expect(ephemeral.map(({ message }) => message.replace(/ from .*/, ''))).toEqual([
      'curl (pid 1) has a connection to 192.0.2.1:443',
      'curl (pid 2) has 2 connections',
      'A socket of user 7 has a connection to 192.0.2.1:443',
      'A socket of user 8 has 2 connections',
    ]);
  });

  test('every cause says what it is, and each advice comes once', () => {
    const causes = causesOf(
      held(listener({ name: 'a' }), { holders: [listener({}), listener({})] }),
    );
    const advice = adviceOf(causes, false);
    expect(new Set(advice).size).toBe(advice.length);
    expect(advice.at(-1)).toContain('`bindport find`');
  });
});

describe('the files of /proc', () => {
  test('ports are numbers and ranges', () => {
    expect(parsePorts('8080,9000-9010\n')).toEqual([
      { low: 8080, high: 8080 },
      { low: 9000, high: 9010 },
    ]);
    expect(parsePorts('\n')).toEqual([]);
  });

  test('the mounts tell whether /proc hides processes', () => {
    const mounted = (options: string) => `proc /proc proc rw,${options} 0 0\n`;
    expect(parseHidesProcesses(mounted('nosuid,hidepid=2'))).toBe(true);
    expect(parseHidesProcesses(mounted('hidepid=ptraceable,gid=4'))).toBe(true);
    expect(parseHidesProcesses(mounted('hidepid=off'))).toBe(false);
    expect(parseHidesProcesses(mounted('hidepid=1') + mounted('nosuid'))).toBe(false);
    expect(parseHidesProcesses('')).toBe(false);
  });

  test('the status tells capabilities and filters', () => {
    expect(parseStatus('Name:\tnode\nCapEff:\t0000000000000400\nSeccomp:\t2\n')).toEqual({
      bindsPrivileged: true,
      tracesOthers: false,
      filtered: true,
    });
    expect(parseStatus('CapEff:\t000001fffffffbff\nSeccomp:\t0\n')).toEqual({
      bindsPrivileged: false,
      tracesOthers: true,
      filtered: false,
    });
    expect(parseStatus('')).toEqual({
      bindsPrivileged: false,
      tracesOthers: false,
      filtered: false,
    });
  });
});
