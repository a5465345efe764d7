import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as sctp from '../../src/base/option-table/structures/sctp';
import * as tcp from '../../src/base/option-table/structures/tcp';
import {
  constants,
  getOption,
  getsockopt,
  type OptionName,
  SocketHandle,
  setOption,
} from '../../src/index';
import { native } from '../../src/options/codecs/codec';
import { structureCodec } from '../../src/options/codecs/structure';
import { callUnchecked } from '../support/bad-values';
import { needsIpv6, needsUnixSockets } from '../support/network';
import { opensKind } from '../support/option-sockets';
import { linuxOnly, runWhen } from '../support/platform';
import { listening, portOf } from '../support/servers';
import { thrown } from '../support/thrown';

const run = promisify(execFile);
const { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, IPPROTO_TCP } = constants;

function socket(family: number = AF_INET, type: number = SOCK_STREAM): SocketHandle {
  const handle = new SocketHandle(family, type);
  onTestFinished(() => handle.close());
  return handle;
}

async function connected(port: number, host = '127.0.0.1'): Promise<Socket> {
  const client = connect(port, host);
  onTestFinished(() => {
    client.destroy();
  });
  await once(client, 'connect');
  return client;
}

describe('TCP_INFO', linuxOnly('the structure is of Linux'), () => {
  test('of a listener: how many connections wait, and how many may', async () => {
    const server = await listening(createServer());
    expect(getOption(server, 'TCP_INFO')).toMatchObject({
      state: 'TCP_LISTEN',
      unacked: 0,
      sacked: 511,
    });
  });

  test('of a connection: what it has sent and received', async () => {
    const server = await listening(
      createServer((peer) => {
        peer.resume().end('0123456789');
      }),
    );
    const client = await connected(portOf(server));
    await once(client.resume(), 'end');
    const info = getOption(client, 'TCP_INFO');
    // The end counts as a byte.
    expect(info).toMatchObject({ bytes_received: 11n, snd_mss: getOption(client, 'TCP_MAXSEG') });
    expect(info.state).toBe(client.destroyed ? 'TCP_LAST_ACK' : info.state);
    expect(info.rtt).toBeGreaterThan(0);
    expect(info.pacing_rate).toBeTypeOf('bigint');
  });

  test('has the fields for which the kernel has bytes, and no others', async () => {
    const server = await listening(createServer());
    const whole = getsockopt(server, IPPROTO_TCP, constants.TCP_INFO ?? -1, 1024);
    const info = getOption(server, 'TCP_INFO');
    // The last fields of Linux 2.6, and of 6.18.
    expect(info).toHaveProperty('total_retrans');
    expect(whole.length).toBeGreaterThanOrEqual(104);
    expect('pacing_rate' in info).toBe(whole.length >= 112);
    expect('rcv_wnd' in info).toBe(whole.length >= 236);
    expect('accecn_opt_seen' in info).toBe(whole.length >= 280);
  });

  test('agrees with ss', async () => {
    const server = await listening(createServer((peer) => peer.resume()));
    const client = await connected(portOf(server));
    const { stdout } = await run('ss', ['-tinH', `sport = :${client.localPort}`]);
    const told = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1]);
    const info = getOption(client, 'TCP_INFO');
    expect(info).toMatchObject({
      snd_mss: told(/\bmss:(\d+)/),
      pmtu: told(/\bpmtu:(\d+)/),
      rcv_mss: told(/\brcvmss:(\d+)/),
      advmss: told(/\badvmss:(\d+)/),
      snd_cwnd: told(/\bcwnd:(\d+)/),
      segs_out: told(/\bsegs_out:(\d+)/),
      rcv_space: told(/\brcv_space:(\d+)/),
      rcv_ssthresh: told(/\brcv_ssthresh:(\d+)/),
      snd_wnd: told(/\bsnd_wnd:(\d+)/),
      min_rtt: Math.round(told(/\bminrtt:([\d.]+)/) * 1000),
    });
  });
});

describe('SO_PEERNAME', linuxOnly('only Linux has it'), () => {
  test('of an IPv4 connection', async () => {
    const server = await listening(createServer());
    const client = await connected(portOf(server));
    expect(getOption(client, 'SO_PEERNAME')).toEqual({
      address: '127.0.0.1',
      family: 'IPv4',
      port: portOf(server),
    });
  });

  test('of an IPv6 connection', needsIpv6, async () => {
    const server = createServer().listen(0, '::1');
    onTestFinished(() => {
      server.close();
    });
    await once(server, 'listening');
    const client = await connected(portOf(server), '::1');
    expect(getOption(client, 'SO_PEERNAME')).toEqual({
      address: '::1',
      family: 'IPv6',
      port: portOf(server),
    });
  });

  test('of Unix domain sockets, with names of any length', needsUnixSockets, () => {
    for (const name of ['\0x', `\0bindport-${process.pid}`, `\0${'n'.repeat(107)}`]) {
      const server = socket(constants.AF_UNIX);
      server.bind(name);
      server.listen();
      const client = socket(constants.AF_UNIX);
      client.connect(name, 0);
      expect(client.getOption('SO_PEERNAME')).toEqual({ address: name, family: 'Unix', port: 0 });
    }
  });
});

describe('MPTCP', runWhen(opensKind('mptcp'), 'no Multipath TCP'), () => {
  test('its subflows, their addresses and what TCP tells of each', async () => {
    const listener = new SocketHandle(AF_INET, SOCK_STREAM, constants.IPPROTO_MPTCP);
    onTestFinished(() => listener.close());
    listener.bind();
    listener.listen();
    const client = new SocketHandle(AF_INET, SOCK_STREAM, constants.IPPROTO_MPTCP);
    onTestFinished(() => client.close());
    client.connect('127.0.0.1', listener.address().port);
    const [local, remote] = [client.address(), listener.address()];
    expect(client.getOption('MPTCP_SUBFLOW_ADDRS')).toEqual({
      num_subflows: 1,
      addresses: [{ local, remote }],
    });
    expect(client.getOption('MPTCP_TCPINFO')).toMatchObject({
      num_subflows: 1,
      infos: [{ state: 'TCP_ESTABLISHED', snd_mss: expect.any(Number) }],
    });
    expect(client.getOption('MPTCP_INFO')).toMatchObject({
      subflows: 0,
      token: expect.any(Number),
    });
  });
});

describe('the layout of structures', () => {
  // sizeof of the structures of TCP: Microsoft's TCP_INFO_v1, macOS' header, FreeBSD 14's header, Linux 6.18.
  test.each([
    ['TCP_INFO_v1', tcp.windowsTcpInfo, 136],
    ['tcp_connection_info', tcp.darwinTcpConnectionInfo, 112],
    ['tcp_info of FreeBSD', tcp.freebsdTcpInfo, 240],
    ['tcp_info of Linux', tcp.linuxTcpInfo, 280],
    ['tcp_md5sig', tcp.tcpMd5Signature, 216],
  ] as const)('%s has the size that C gives it', (_name, fields, size) => {
    expect(structureCodec(fields, undefined, undefined).length).toBe(size);
  });

  // sizeof and offsetof of include/uapi/linux/sctp.h, compiled for x86-64.
  test.each([
    ['sctp_paddrparams', sctp.pathParams, 156],
    ['sctp_paddrthlds', sctp.pathThresholds, 144],
    ['sctp_paddrthlds_v2', { ...sctp.pathThresholds, pathcpthld: 'u16' }, 144],
    ['sctp_udpencaps', sctp.udpEncapsulation, 144],
    ['sctp_probeinterval', sctp.probeInterval, 144],
    ['sctp_status', sctp.status, 176],
    ['sctp_paddrinfo', sctp.peerAddressInfo, 152],
    ['sctp_event_subscribe', sctp.events, 14],
    ['sctp_sndrcvinfo', sctp.sendParams, 32],
    ['sctp_sndinfo', sctp.sendInfo, 16],
    ['sctp_prstatus', sctp.prStatus, 24],
    ['sctp_assoc_stats', sctp.associationStatistics, 256],
  ] as const)('%s has the size that C gives it', (_name, fields, size) => {
    expect(structureCodec(fields, undefined, undefined).length).toBe(size);
  });

  test('fields lie where C puts them', () => {
    const codec = structureCodec(sctp.pathParams, undefined, undefined);
    const bytes = Buffer.from(codec.encode({ pathmaxrxt: 5, pathmtu: 1400, dscp: 8 }));
    expect(bytes.readUInt32LE(138)).toBe(1400);
    expect(codec.decode(bytes, bytes.length)).toMatchObject({
      pathmaxrxt: 5,
      pathmtu: 1400,
      dscp: 8,
    });
  });

  test('all that is set is read back', () => {
    const fields = {
      byte: 'u8',
      low: 'bits3',
      high: 'bits5',
      state: ['CLOSED', 'OPEN'],
      flag: 'bool8',
      long: 'u64',
      negative: 'i64',
      network: 'be32',
      name: 'text8',
      raw: 'bytes3',
      at: 'address',
      rest: { each: 'u16' },
    } as const;
    const codec = structureCodec(fields, undefined, undefined);
    const value = {
      byte: 255,
      low: 5,
      high: 31,
      state: 'OPEN',
      flag: true,
      long: 2n ** 64n - 1n,
      negative: -5n,
      network: 0x01020304,
      name: 'seven..',
      raw: Buffer.from([1, 2, 3]),
      at: { address: '2001:db8::1', family: 'IPv6', port: 8080 },
      rest: [],
    };
    const bytes = Buffer.from(codec.encode({ ...value, rest: undefined }));
    expect(codec.decode(bytes, bytes.length)).toEqual(value);
    expect(bytes.includes(Buffer.from([1, 2, 3, 4]))).toBe(true);
  });

  test('a list fills the rest', () => {
    const codec = structureCodec({ count: 'u32', ids: { each: 'u16' } }, undefined, undefined);
    const bytes = Buffer.from(codec.encode({ count: 3, ids: [1, 2, 3] }));
    expect(bytes).toHaveLength(10);
    expect(codec.decode(bytes, 10)).toEqual({ count: 3, ids: [1, 2, 3] });
    const addresses = structureCodec(
      { number: 'u32', addresses: { each: 'socket-address' } },
      undefined,
      undefined,
    );
    const both = [
      { address: '192.0.2.1', family: 'IPv4', port: 1 },
      { address: '2001:db8::1', family: 'IPv6', port: 2 },
    ];
    const packed = Buffer.from(addresses.encode({ number: 2, addresses: both }));
    expect(packed).toHaveLength(4 + 16 + 28);
    expect(addresses.decode(packed, packed.length)).toEqual({ number: 2, addresses: both });
  });

  test('numbers have the order of the machine', () => {
    const bytes = Buffer.from(Uint32Array.of(0x01020304).buffer);
    expect(native.u32(bytes, 0)).toBe(0x01020304);
    native.setU32(bytes, 0, 0x0a0b0c0d);
    expect(new Uint32Array(bytes.buffer, bytes.byteOffset, 1)[0]).toBe(0x0a0b0c0d);
  });
});

describe('what is refused as a value', linuxOnly('the options are of Linux'), () => {
  const group = '224.0.0.251';
  const rows: [OptionName, unknown, string, string][] = [
    ['TCP_REPAIR', 'TCP_REPAIR_UP', 'ERR_INVALID_ARG_VALUE', 'TCP_REPAIR_OFF, TCP_REPAIR_ON'],
    ['TCP_REPAIR', true, 'ERR_INVALID_ARG_TYPE', 'of type string or number'],
    ['IP_MTU_DISCOVER', 'IP_PMTUDISC_NOT_SET', 'ERR_INVALID_ARG_VALUE', 'IP_PMTUDISC_DONT'],
    ['IP_LOCAL_PORT_RANGE', 3, 'ERR_INVALID_ARG_TYPE', '{ low, high }'],
    ['IP_LOCAL_PORT_RANGE', { low: 1, high: 65536 }, 'ERR_OUT_OF_RANGE', '"value.high"'],
    ['IP_MULTICAST_IF', '::1', 'ERR_INVALID_ARG_VALUE', 'numeric IPv4'],
    ['IP_MULTICAST_IF', 1, 'ERR_INVALID_ARG_TYPE', 'of type string'],
    ['IP_ADD_MEMBERSHIP', group, 'ERR_INVALID_ARG_TYPE', '{ address, interface }'],
    ['IP_ADD_MEMBERSHIP', { address: 'localhost' }, 'ERR_INVALID_ARG_VALUE', 'value.address'],
    [
      'IP_ADD_MEMBERSHIP',
      { address: group, interface: 'none0' },
      'ERR_INVALID_ARG_VALUE',
      'interface of this machine',
    ],
    [
      'IP_ADD_MEMBERSHIP',
      { address: group, interface: -1 },
      'ERR_OUT_OF_RANGE',
      '"value.interface"',
    ],
    ['IP_ADD_SOURCE_MEMBERSHIP', { address: group }, 'ERR_INVALID_ARG_TYPE', '"value.source"'],
    ['IPV6_JOIN_GROUP', { address: group }, 'ERR_INVALID_ARG_VALUE', 'numeric IPv6'],
    [
      'MCAST_JOIN_SOURCE_GROUP',
      { address: group, source: '::1' },
      'ERR_INVALID_ARG_VALUE',
      'value.source',
    ],
    ['IP_UNICAST_IF', 2 ** 32, 'ERR_OUT_OF_RANGE', '"value"'],
    ['TCP_USER_TIMEOUT', -1, 'ERR_OUT_OF_RANGE', '"value"'],
    ['TCP_MD5SIG', { keylen: 65536 }, 'ERR_OUT_OF_RANGE', '"value.keylen"'],
    ['TCP_MD5SIG', { key: 'secret' }, 'ERR_INVALID_ARG_TYPE', '"value.key"'],
    ['TCP_MD5SIG', { key: Buffer.alloc(81) }, 'ERR_INVALID_ARG_VALUE', 'at most 80 bytes'],
    ['TCP_MD5SIG', { length: 3 }, 'ERR_INVALID_ARG_VALUE', 'has no field length'],
    ['TCP_MD5SIG', { address: '127.0.0.1' }, 'ERR_INVALID_ARG_TYPE', '{ address, port }'],
    ['TCP_MD5SIG', null, 'ERR_INVALID_ARG_TYPE', 'Received null'],
  ];

  test.each(rows)('%s refuses %o with %s', (name, value, code, words) => {
    const handle = socket(AF_INET, SOCK_DGRAM);
    const error = thrown(() => callUnchecked(setOption, [handle, name, value]));
    expect(error).toHaveProperty('code', code);
    expect(error.message).toContain(words);
  });

  test('a number without a name stays a number, and can be set', () => {
    const handle = socket();
    setOption(handle, 'IP_MTU_DISCOVER', 2);
    expect(getOption(handle, 'IP_MTU_DISCOVER')).toBe('IP_PMTUDISC_DO');
    const udp = socket(AF_INET, SOCK_DGRAM);
    expect(getOption(udp, 'UDP_ENCAP')).toBe(0);
  });
});

test('a structure is read whole after a longer one', linuxOnly('TCP_INFO, MPTCP'), async () => {
  const server = await listening(createServer());
  const client = await connected(portOf(server));
  const before = getOption(client, 'SO_LINGER');
  getOption(client, 'TCP_INFO');
  expect(getOption(client, 'SO_LINGER')).toEqual(before);
  expect(getOption(client, 'TCP_ULP')).toBe('');
  expect(getOption(client, 'SO_TIMESTAMPING_NEW')).toEqual({ flags: 0, bind_phc: 0 });
});

describe('a multicast group is joined once', () => {
  const rows: [OptionName, number, object][] = [
    ['IP_ADD_MEMBERSHIP', AF_INET, { address: '224.0.0.251', interface: '127.0.0.1' }],
    ['IPV6_JOIN_GROUP', AF_INET6, { address: 'ff02::1:7', interface: 1 }],
  ];

  test.each(rows)('by %s', needsIpv6, (name, family, group) => {
    const handle = socket(family, SOCK_DGRAM);
    const join = () => callUnchecked(setOption, [handle, name, group]);
    join();
    // Windows has another code for it than Unix (Microsoft, IP_ADD_MEMBERSHIP).
    expect(['EADDRINUSE', 'EINVAL', 'EADDRNOTAVAIL']).toContain(Reflect.get(thrown(join), 'code'));
  });

  test('by another option for the same group', {
    ...needsIpv6,
    ...linuxOnly('Wine has no MCAST_JOIN_GROUP'),
  }, () => {
    const handle = socket(AF_INET6, SOCK_DGRAM);
    setOption(handle, 'IPV6_JOIN_GROUP', { address: 'ff02::1:7', interface: 'lo' });
    const again = thrown(() =>
      setOption(handle, 'MCAST_JOIN_GROUP', { address: 'ff02::1:7', interface: 1 }),
    );
    expect(again).toHaveProperty('code', 'EADDRINUSE');
  });
});
