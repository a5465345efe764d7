import { release } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  getOption,
  type OptionKind,
  type OptionName,
  type SocketHandle,
  type SocketOption,
  setOption,
  socketOptions,
} from '../../src/index';
import { callUnchecked } from '../support/bad-values';
import { asPythonReads, readByPython, type Wanted } from '../support/option-readers';
import {
  type Refusal,
  type Sample,
  sampleFor,
  sampleOfKind,
  unreadable,
} from '../support/option-samples';
import {
  kindFor,
  openKind,
  opensKind,
  rootKinds,
  type SocketKindName,
} from '../support/option-sockets';
import { isLinux, isWine, linuxOnly, runWhen } from '../support/platform';
import { errnoOf } from '../support/thrown';

const isRoot = process.getuid?.() === 0;

interface Case {
  name: OptionName;
  option: SocketOption;
  on: SocketKindName;
}

const cases: Case[] = [...socketOptions].map(([name, option]) => ({
  name,
  option,
  on: kindFor(name, option.levelName),
}));

/** Numbers of a version, to be compared one after the other. */
const version = (text: string) => text.split(/[.-]/).slice(0, 3).map(Number);

/** Whether this kernel is older than the one that got the option: `'Linux 6.18, FreeBSD 12'`. */
function comesLater({ where }: SocketOption): boolean {
  const since = /Linux (\d+(?:\.\d+)*)/.exec(where)?.[1];
  if (since === undefined) return false;
  const [wanted, here] = [version(since), version(release())];
  const differing = wanted.findIndex((part, i) => part !== (here[i] ?? 0));
  return differing !== -1 && (wanted[differing] ?? 0) > (here[differing] ?? 0);
}

/** Why an option is not tried here. */
function reasonToSkip({ on, option }: Case): string | undefined {
  if (rootKinds.has(on) && !isRoot) return `${on} sockets are root's`;
  if (!opensKind(on)) return `this kernel has no ${on} sockets`;
  return comesLater(option) ? `${option.where}: later than this kernel` : undefined;
}

const runs = (one: Case) => {
  const reason = isLinux ? reasonToSkip(one) : 'the samples are of Linux';
  return runWhen(reason === undefined, reason ?? '');
};

function open(kind: SocketKindName): SocketHandle {
  const handle = openKind(kind);
  onTestFinished(() => handle.close());
  return handle;
}

function isRefusal(sample: Sample | Refusal): sample is Refusal {
  return 'refused' in sample;
}

/** The value, or the code of the error. */
function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error && 'code' in error) {
      expect(error).toHaveProperty('errno', errnoOf(String(error.code)));
      return error.code;
    }
    throw error;
  }
}

/** MCAST_ options are at the level of their group's family: that of the sockets that are tried is IPv4. */
function socketFor({ name, on }: Case, sample: Sample | Refusal): SocketKindName {
  const group: unknown = sample.set;
  const isIpv6 =
    typeof group === 'object' &&
    group !== null &&
    'address' in group &&
    String(group.address).includes(':');
  return name.startsWith('MCAST_') && isIpv6 ? 'udp6' : on;
}

describe('setting another value and reading it back', () => {
  const settable = cases.filter(({ option }) => option.access !== 'r');

  for (const one of settable) {
    const { name, option } = one;
    test(name, runs(one), () => {
      const readable = option.access === 'rw';
      const now = readable ? attempt(() => getOption(open(one.on), name)) : undefined;
      const sample = sampleFor(name, option, now);
      const handle = open(socketFor(one, sample));
      if (isRefusal(sample)) {
        const outcome =
          attempt(() => callUnchecked(setOption, [handle, name, sample.set])) ??
          attempt(() => getOption(handle, name));
        expect(sample.refused, sample.why).toContain(outcome);
        return;
      }
      for (const before of sample.after ?? []) {
        if (attempt(() => callUnchecked(setOption, [handle, ...before])) !== undefined) {
          // What others may not set they can't undo.
          expect(isRoot).toBe(false);
          return;
        }
      }
      const set = attempt(() => callUnchecked(setOption, [handle, name, sample.set]));
      if (!isRoot && sample.others) expect(sample.others).toContain(set);
      else expect(set).toBeUndefined();
      if (!readable || set !== undefined) return;
      const reads = 'reads' in sample ? sample.reads : sample.set;
      expect(getOption(handle, name)).toEqual(reads);
      // Another value than before; or the kernel keeps none, which the sample says.
      if (!('reads' in sample)) expect(now).not.toEqual(reads);
    });
  }
});

/** What kinds decode to, where it is not what typeof tells. */
function expectKind(kind: OptionKind, value: unknown): void {
  const primitive = {
    boolean: 'boolean',
    bigint: 'bigint',
    text: 'string',
    uuid: 'string',
    ipv4: 'string',
  };
  const objects = ['linger', 'credentials', 'address', 'peer-name', 'port-range', 'structure'];
  if (kind === 'enumeration') expect(['string', 'number']).toContain(typeof value);
  else if (kind === 'bytes') expect(value).toBeInstanceOf(Uint8Array);
  else if (kind === 'integers') expect(Array.isArray(value)).toBe(true);
  else if (objects.includes(kind)) expect(value).toBeTypeOf('object');
  else expect(typeof value).toBe(Reflect.get(primitive, kind) ?? 'number');
}

describe('reading a socket that was just opened', () => {
  const readable = cases.filter(({ option }) => option.access !== 'w');

  for (const one of readable) {
    const { name, option, on } = one;
    test(name, runs(one), () => {
      const value = attempt(() => getOption(open(on), name));
      const refusal = unreadable[name];
      if (refusal === undefined) expectKind(option.kind, value);
      else expect(refusal.refused, refusal.why).toContain(value);
    });
  }
});

/** Wine 8 takes these, and keeps another value or has none to read. */
const forgottenByWine: OptionName[] = [
  'SO_DEBUG',
  'SO_DONTROUTE',
  'SO_PORT_SCALABILITY',
  'SO_RANDOMIZE_PORT',
  'SO_REUSE_MULTICASTPORT',
  'SO_REUSE_UNICASTPORT',
  'IP_TOS',
  'IPV6_V6ONLY',
];

describe('elsewhere than on Linux', runWhen(!isLinux, 'here each sample has one outcome'), () => {
  const kinds: SocketKindName[] = ['tcp', 'udp', 'tcp6', 'unix'];
  const settable = cases.filter(({ option }) => option.access === 'rw');

  test.each(settable)(
    '$name is set and read back, or refused by the system',
    ({ name, option }) => {
      for (const kind of kinds.filter(opensKind)) {
        const handle = open(kind);
        const now = attempt(() => getOption(handle, name));
        // Windows lets a UDP socket set it, and then has none to read.
        if (name.endsWith('LINGER') && kind === 'udp') continue;
        if (isWine && forgottenByWine.includes(name)) continue;
        const sample = sampleOfKind(name, option.kind, now);
        if (sample === undefined) continue;
        const refused = attempt(() => callUnchecked(setOption, [handle, name, sample]));
        // Never a wrong size or pointer, which would be ours.
        if (refused !== undefined) expect(refused).not.toBe('EFAULT');
        else expect(attempt(() => getOption(handle, name))).toEqual(sample);
      }
    },
  );
});

/** Others read the same; not what changes from one read to the next, or what python3 has no decoding for. */
function isComparable({ name, option }: Case): boolean {
  // SO_GET_FILTER counts instructions where python3 counts bytes: the kernel would write past its buffer.
  const left = ['SO_GET_FILTER', 'TCP_TIMESTAMP', 'TCP_QUICKACK'];
  // Its socket module refuses bytes of AF_VSOCK, and has no name for errors that are its own.
  const isVsock = option.levelName === 'AF_VSOCK';
  return option.access !== 'w' && option.kind !== 'structure' && !isVsock && !left.includes(name);
}

describe('python3 reads the same', linuxOnly('the sizes are of Linux'), () => {
  const compared = cases.filter((one) => isComparable(one) && reasonToSkip(one) === undefined);

  async function compare(wanted: (Wanted & { ours: unknown })[]): Promise<void> {
    const theirs = await readByPython(wanted);
    const [expected, found] = [new Map<string, unknown>(), new Map<string, unknown>()];
    wanted.forEach(({ name, option, ours }, i) => {
      expected.set(name, theirs[i]);
      found.set(name, asPythonReads(option.kind, ours));
    });
    expect(found).toEqual(expected);
  }

  test('of sockets that were just opened', async () => {
    const opened = new Map<SocketKindName, SocketHandle>();
    const wanted = compared.map(({ name, option, on }) => {
      const handle = opened.get(on) ?? open(on);
      opened.set(on, handle);
      return { fd: handle.fd, name, option, ours: attempt(() => getOption(handle, name)) };
    });
    expect(wanted.length).toBeGreaterThan(150);
    await compare(wanted);
  });

  test('of sockets whose options were set', async () => {
    const wanted = compared
      .filter(({ option }) => option.access === 'rw')
      .flatMap(({ name, option, on }) => {
        const handle = open(on);
        const sample = sampleFor(
          name,
          option,
          attempt(() => getOption(handle, name)),
        );
        if (isRefusal(sample)) return [];
        for (const before of sample.after ?? []) callUnchecked(setOption, [handle, ...before]);
        const set = attempt(() => callUnchecked(setOption, [handle, name, sample.set]));
        if (set !== undefined && !isRoot) return [];
        return [{ fd: handle.fd, name, option, ours: getOption(handle, name) }];
      });
    expect(wanted.length).toBeGreaterThan(120);
    await compare(wanted);
  });
});
