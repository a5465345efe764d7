import { execFileSync } from 'node:child_process';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  constants,
  findSockets,
  inspectSocket,
  SocketHandle,
  type SocketInfo,
  type SocketReport,
} from '../../../src/index';
import { needsIpv6 } from '../../support/network';

/** The socket of a line of `ss -tmie`, in the terms of its manual. */
interface Line {
  state: string;
  queues: number[];
  local: string;
  peer: string;
  /** `ino:4711`, `rtt:0.02/0.01` by their names; `skmem`'s parts by theirs. */
  values: Map<string, string>;
  words: Set<string>;
}

function parseLine(text: string): Line {
  const [state = '', received, sent, local = '', peer = '', ...rest] = text.trim().split(/\s+/);
  const words = rest.filter((word) => !word.includes(':'));
  const values = new Map<string, string>();
  for (const word of rest) {
    const [, name = '', value = ''] = /^(\w+):(.+)$/.exec(word) ?? [];
    values.set(name, value);
  }
  return {
    state,
    queues: [received, sent].map(Number),
    local,
    peer,
    values,
    words: new Set(words),
  };
}

function readByInode(inode: number | undefined): Line {
  const output = execFileSync('ss', ['-tmieanHO'], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const line = output.split('\n').find((text) => text.includes(` ino:${inode} `));
  if (line === undefined) throw new Error(`ss shows no inode ${inode}`);
  return parseLine(line);
}

const opened: SocketHandle[] = [];

function keep(socket: SocketHandle): SocketHandle {
  opened.push(socket);
  return socket;
}

/** Both ends of a connection, and its listener; closed when the test has ended. */
function connection(family: number, host: string) {
  onTestFinished(() => {
    for (const socket of opened.splice(0)) socket.close();
  });
  const listener = keep(new SocketHandle(family));
  listener.bind(host);
  listener.listen(5);
  const near = keep(new SocketHandle(family));
  near.connect(host, listener.address().port);
  const far = keep(listener.accept());
  return { listener, near, far };
}

/** As another user: the kernel notes the effective one when a socket is made. */
function asUser<Result>(uid: number, make: () => Result): Result {
  if (process.geteuid?.() !== 0) return make();
  process.seteuid?.(uid);
  try {
    return make();
  } finally {
    process.seteuid?.(0);
  }
}

/** What the clock changes by itself. */
const CLOCK = /^(?:last_|busy_time|tcp_timestamp|rcv_rtt)/i;

const steady = (report: SocketReport) =>
  JSON.stringify(report, (name, value) => {
    if (CLOCK.test(name)) return undefined;
    return typeof value === 'bigint' ? String(value) : value;
  });

/** What both tell of a socket that stays as it is while they look: acknowledgements come late. */
async function readBoth(socket: SocketHandle) {
  const port = socket.address().port;
  for (;;) {
    const before = inspectSocket(socket);
    const found = (await findSockets({ port, protocol: 'tcp' })).find(({ processes }) =>
      processes.some(({ pid, fd }) => pid === process.pid && fd === socket.fd),
    );
    if (found === undefined) throw new Error(`findSockets shows no descriptor ${socket.fd}`);
    const ss = readByInode(found.inode);
    const report = inspectSocket(socket);
    if (steady(before) === steady(report)) return { found, report, ss };
  }
}

const endpoint = ({ address, family, port }: SocketInfo['local']) =>
  `${family === 'IPv6' ? `[${address}]` : address}:${port}`;

function compareKernelFacts(found: SocketInfo, report: SocketReport, ss: Line): void {
  expect(ss.local).toBe(endpoint(found.local));
  expect(report.local).toEqual(found.local);
  expect(ss.values.get('ino')).toBe(String(found.inode));
  expect(ss.values.get('sk')).toBe(found.cookie?.toString(16));
  expect(report.options.SO_COOKIE).toBe(found.cookie);
  // ss leaves root's number out.
  expect(Number(ss.values.get('uid') ?? 0)).toBe(found.uid);
  if (ss.values.has('cgroup')) expect(found.cgroup?.path).toBe(ss.values.get('cgroup'));
  const memory = ss.values.get('skmem')?.match(/\d+/g)?.map(Number);
  expect(memory).toHaveLength(9);
  expect(report.options.SO_MEMINFO).toEqual(memory);
  expect([report.options.SO_RCVBUF, report.options.SO_SNDBUF]).toEqual([memory?.[1], memory?.[3]]);
  expect(ss.words).toContain(found.congestion);
  expect(report.options.TCP_CONGESTION).toBe(found.congestion);
}

/** ss' name and struct tcp_info's, and what is between their units. ss leaves zeros out. */
const FIELDS = [
  ['mss', 'snd_mss', 1],
  ['rcvmss', 'rcv_mss', 1],
  ['advmss', 'advmss', 1],
  ['pmtu', 'pmtu', 1],
  ['cwnd', 'snd_cwnd', 1],
  ['rto', 'rto', 1000],
  ['ato', 'ato', 1000],
  ['minrtt', 'min_rtt', 1000],
  ['bytes_sent', 'bytes_sent', 1],
  ['bytes_acked', 'bytes_acked', 1],
  ['bytes_received', 'bytes_received', 1],
  ['segs_out', 'segs_out', 1],
  ['segs_in', 'segs_in', 1],
  ['data_segs_out', 'data_segs_out', 1],
  ['data_segs_in', 'data_segs_in', 1],
  ['delivered', 'delivered', 1],
  ['rcv_space', 'rcv_space', 1],
  ['rcv_ssthresh', 'rcv_ssthresh', 1],
] as const;

/** Fields without which a comparison would show nothing. */
const NEVER_ZERO = new Set<string>(['mss', 'cwnd', 'rto', 'pmtu', 'segs_in', 'minrtt']);

function compareTcpInfo(report: SocketReport, ss: Line): void {
  const info = new Map(Object.entries(report.options.TCP_INFO ?? {}));
  for (const [theirs, ours, unit] of FIELDS) {
    const shown = ss.values.get(theirs);
    if (NEVER_ZERO.has(theirs)) expect(shown, theirs).toBeDefined();
    expect([theirs, Number(info.get(ours)) / unit]).toEqual([theirs, Number(shown ?? 0)]);
  }
  const thousandths = (name: string) => Number(info.get(name)) / 1000;
  expect(ss.values.get('rtt')).toBe(`${thousandths('rtt')}/${thousandths('rttvar')}`);
  expect(ss.values.get('wscale')).toBe(`${info.get('snd_wscale')},${info.get('rcv_wscale')}`);
}

describe.each([
  ['IPv4', '127.0.0.1', {}],
  ['IPv6', '::1', needsIpv6],
] as const)('ss -tmie tells of %s what we tell', (version, host, options) => {
  const family = version === 'IPv6' ? constants.AF_INET6 : constants.AF_INET;

  test('of a listener, to which a client waits', options, async () => {
    const { listener } = connection(family, host);
    keep(new SocketHandle(family)).connect(host, listener.address().port);
    const { found, report, ss } = await readBoth(listener);
    compareKernelFacts(found, report, ss);
    expect(ss.state).toBe('LISTEN');
    expect([found.state, report.state]).toEqual(['LISTEN', 'LISTEN']);
    expect(ss.queues).toEqual([1, 5]);
    expect([found.queue, found.backlog]).toEqual([1, 5]);
    expect([report.queue, report.backlog]).toEqual([1, 5]);
  });

  test('of both ends of a connection', options, async () => {
    const { near, far } = asUser(65534, () => connection(family, host));
    execFileSync('printf', ['seven b'], { stdio: ['ignore', near.fd, 'inherit'] });
    for (const socket of [near, far]) {
      const { found, report, ss } = await readBoth(socket);
      compareKernelFacts(found, report, ss);
      compareTcpInfo(report, ss);
      expect(ss.state).toBe('ESTAB');
      expect([found.state, report.state]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
      expect(ss.peer).toBe(endpoint(found.remote ?? found.local));
      expect(report.remote).toEqual(found.remote);
      expect(ss.queues).toEqual([found.unread, found.unsent]);
      expect(ss.queues).toEqual([report.unread, report.unsent]);
      expect(ss.queues).toEqual(socket === far ? [7, 0] : [0, 0]);
      if (process.geteuid?.() === 0 && socket === near) expect(found.uid).toBe(65534);
    }
  });
});
