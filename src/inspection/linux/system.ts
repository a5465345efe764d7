/** What the kernel tells of ports and of this process: ip-sysctl.rst, proc_pid_status(5). */
import { readlinkSync } from 'node:fs';
import { readProc } from './proc-file';

/** Ports from the first to the last, both included. */
export interface PortInterval {
  low: number;
  high: number;
}

export interface KernelStatus {
  /** Whether CAP_NET_BIND_SERVICE is in effect: capabilities(7). */
  bindsPrivileged: boolean;
  /** Whether CAP_SYS_PTRACE is: other users' processes are seen. */
  tracesOthers: boolean;
  /** Whether a seccomp(2) filter looks at this process' system calls. */
  filtered: boolean;
  /** Whether this is the first of the pid namespaces, which sees all processes. */
  seesAllProcesses: boolean;
}

const CAP_NET_BIND_SERVICE = 10n;
const CAP_SYS_PTRACE = 19n;
const SECCOMP_MODE_FILTER = 2;

/** PROC_PID_INIT_INO of include/linux/proc_ns.h. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** Sandboxes and Android hide some of them. */
function read(path: string): string | undefined {
  return readProc(path, 'latin1');
}

const PARAMETERS = '/proc/sys/net/ipv4';

/** net.ipv4.ip_local_port_range, which is for IPv6, too. */
export function readEphemeralPorts(): PortInterval | undefined {
  const [low, high] = (read(`${PARAMETERS}/ip_local_port_range`) ?? '').split(/\s+/).map(Number);
  return low && high ? { low, high } : undefined;
}

/** The text of net.ipv4.ip_local_reserved_ports: `8080,9000-9010`. */
export function parsePorts(text: string): PortInterval[] {
  return text.split(',').flatMap((part) => {
    const [low, high = low] = part.split('-').map(Number);
    return low && high ? [{ low, high }] : [];
  });
}

export function readReservedPorts(): PortInterval[] {
  return parsePorts(read(`${PARAMETERS}/ip_local_reserved_ports`) ?? '');
}

export function readLowestUnprivilegedPort(): number | undefined {
  const text = read(`${PARAMETERS}/ip_unprivileged_port_start`);
  return text === undefined ? undefined : Number(text);
}

/** The lines of /proc/self/status that bear on binding. */
export function parseStatus(status: string): Omit<KernelStatus, 'seesAllProcesses'> {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\w+)`, 'm').exec(status)?.[1];
  const capabilities = BigInt(`0x${field('CapEff') ?? '0'}`);
  const has = (capability: bigint) => ((capabilities >> capability) & 1n) === 1n;
  return {
    bindsPrivileged: has(CAP_NET_BIND_SERVICE),
    tracesOthers: has(CAP_SYS_PTRACE),
    filtered: Number(field('Seccomp')) === SECCOMP_MODE_FILTER,
  };
}

export function readStatus(): KernelStatus | undefined {
  const status = read('/proc/self/status');
  if (status === undefined) return undefined;
  let namespace: string | undefined;
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // As in a sandbox: then some are not seen.
  }
  return { ...parseStatus(status), seesAllProcesses: namespace === FIRST_PID_NAMESPACE };
}

/**
 * Whether processes of others are left out of /proc: its mount option hidepid (proc(5)), by number or by name; of
 * several mounts the last is seen.
 */
export function parseHidesProcesses(mounts: string): boolean {
  const proc = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .findLast(([, folder]) => folder === '/proc');
  return /(?:^|,)hidepid=(?:[1-4]|noaccess|invisible|ptraceable)(?:,|$)/.test(proc?.[3] ?? '');
}

/** Whether /proc leaves processes out for those without the right to see them. */
export function hidesProcesses(): boolean {
  return parseHidesProcesses(read('/proc/self/mounts') ?? '');
}

/** Whether CAP_SYS_PTRACE is in effect. */
export function tracesOthers(): boolean {
  return parseStatus(read('/proc/self/status') ?? '').tracesOthers;
}
