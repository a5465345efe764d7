/**
 * What differs between platforms and runtimes above the native code, as capabilities: what is so, never
 * where. The only reader of `process.platform`.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { release } from 'node:os';

const isWindows = process.platform === 'win32';

/** Android has Linux' kernel under a name of its own. */
const isLinux = process.platform === 'linux' || process.platform === 'android';

const abis: { readonly [platform: string]: 'linux' | 'darwin' | 'freebsd' | 'windows' } = {
  linux: 'linux',
  android: 'linux',
  darwin: 'darwin',
  freebsd: 'freebsd',
  win32: 'windows',
};

/** Whose option numbers and structures the kernel here has, where the option table knows them. */
export const kernelAbi = abis[process.platform];

/** Whether the kernel is of this release or a later one. */
function isAtLeast(major: number, minor: number): boolean {
  const [ours = 0, second = 0] = release().split('.').map(Number);
  return ours > major || (ours === major && second >= minor);
}

const isBun = 'bun' in process.versions;

const isDeno = 'deno' in process.versions;

/** Whether a Linux program's C library is musl: the ELF header names its loader (as detect-libc tells it). */
function hasMusl(): boolean {
  try {
    const file = openSync(process.execPath, 'r');
    const start = Buffer.alloc(4096);
    readSync(file, start);
    closeSync(file);
    return start.includes('/ld-musl-');
  } catch {
    return false;
  }
}

const libc = () => (hasMusl() ? 'musl' : 'glibc');

/** Where the addon for this platform is below `prebuilds`, by the names that node-gyp-build knows, too. */
export function prebuiltAddon(): string {
  const folder = `${process.platform}-${process.arch}`;
  return process.platform === 'linux'
    ? `${folder}/bindport.${libc()}.node`
    : `${folder}/bindport.node`;
}

/** What a binary has to be made for: `linux x64 (glibc), Node.js 20.0.0, Node-API 9`. */
export function describeRuntime(): string {
  const { node, napi, electron, nw, bun, deno } = process.versions;
  const runtimes = Object.entries({ Electron: electron, 'NW.js': nw, Bun: bun, Deno: deno });
  const names = runtimes.flatMap(([name, version]) => (version ? [`${name} ${version}`] : []));
  const system = `${process.platform} ${process.arch}`;
  return [
    process.platform === 'linux' ? `${system} (${libc()})` : system,
    ...names,
    `Node.js ${node}`,
    `Node-API ${napi}`,
  ].join(', ');
}

/** The largest number that can be a descriptor: an `int`, or a pointer-sized SOCKET on Windows. */
export const maxDescriptor = isWindows ? Number.MAX_SAFE_INTEGER : 0x7fffffff;

/**
 * Whether a socket is one of the C library's files, which `listen({ fd })`, a child's `stdio` and an IPC
 * message take by number. On Windows the same number may well be an open file's: a SOCKET never is one.
 */
export const socketsAreFiles = !isWindows;

/**
 * Whether SO_REUSEADDR lets a bind through connections in TIME_WAIT, and nobody in beside a listener. On
 * Windows it lets any socket in beside any other (Microsoft, "Using SO_REUSEADDR and
 * SO_EXCLUSIVEADDRUSE"), and TIME_WAIT needs no option.
 */
export const reuseAddrIsForTimeWait = !isWindows;

/** Whether EACCES from bind() tells of a port that somebody holds exclusively, and nothing of privileges. */
export const exclusiveHoldersGiveEacces = isWindows;

/**
 * Whether the event loop can open a socket that it, or a duplicate of it, had before. On Windows a SOCKET
 * stays with the completion port that it was first given to (EINVAL).
 */
export const loopReopensSockets = !isWindows;

/** Whether a UDP socket bound to port 0 loses its port when it is disconnected (__udp_disconnect). */
export const disconnectForgetsPort = isLinux;

/** Whether a TCP socket that connects to its own address and port is then connected to itself (tried here only). */
export const connectsToItself = isLinux;

/** Whether sockets are listed by netlink's sock_diag and processes by /proc, or both by calls of the system. */
export const hasSockDiag = isLinux;

/** Whether a sockaddr starts with a byte that tells its length, and its family is a byte (4.4BSD). */
export const socketAddressesHaveLength = kernelAbi === 'darwin' || kernelAbi === 'freebsd';

/** Whether struct ip_mreq_source has the interface before the source (ip(7)). */
export const interfaceComesBeforeSource = isLinux;

/** Whether an IPv4 interface can be told by its index in a struct ip_mreqn. */
export const hasMembershipsByIndex = !isWindows;

/** C's alignment of a struct sockaddr_storage: that of a long on Linux (bits/sockaddr.h), 64 bits elsewhere. */
export const storageAlignment =
  isLinux && ['arm', 'ia32', 'mips', 'mipsel'].includes(process.arch) ? 4 : 8;

/** Bytes before the address in a struct group_req, which macOS packs to 4 (bsd/netinet/in.h). */
export const groupAddressOffset = kernelAbi === 'darwin' ? 4 : storageAlignment;

/** Whether /proc/sys and /proc/self tell what the kernel allows, and /proc/<pid> what processes do. */
export const hasProcSys = isLinux;

/**
 * Whether sockets that are bound and do not listen are listed: by sock_diag since Linux 6.8, not by
 * GetExtendedTcpTable.
 */
export const listsBoundSockets = isLinux ? isAtLeast(6, 8) : !isWindows;

/** Whether all of 127.0.0.0/8 can be bound, of which the interface lists 127.0.0.1 alone. */
export const bindsUnlistedLoopback = isLinux;

/** Whether /proc/net tells the multicast groups that the machine's sockets have joined. */
export const listsMulticastGroups = isLinux;

/** The lowest port that needs no privilege where the system does not tell it: IPPORT_RESERVED. */
export const lowestUnprivilegedPort = isWindows ? 0 : 1024;

/** The command that ends a process by its number, which follows it. */
export const killCommand = isWindows ? 'taskkill /F /PID' : 'kill';

/** The same for a process that is stopped, and sees no other signal. */
export const forcedKillCommand = isWindows ? killCommand : 'kill -KILL';

/** The command that runs another one as the superuser. */
export const superuserPrefix = isWindows ? '' : 'sudo ';

/** Whether a process can answer the binds of programs that it starts (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV). */
export const answersBinds = isLinux && isAtLeast(5, 19);

/** Whether `http` servers listen on a given socket. Bun's listen on a random port (seen with Bun 1.4). */
export const httpTakesSockets = !isBun;

/**
 * Whether libuv's handles are to be looked for in the event loop: on Windows, where they show no
 * descriptor. Deno has no libuv, and Bun panics in uv_walk (seen with Bun 1.4).
 */
export const hasHiddenDescriptors = isWindows && !isBun && !isDeno;

/**
 * Whether libuv opens UDP sockets, which on Unix makes them shareable for others. Deno's handles look at
 * the socket itself at once.
 */
export const hasSharingUdpOpen = !isWindows && !isBun && !isDeno;

/** Whether an IPC channel carries internal messages and descriptors: Node's own protocol. */
export const hasNodeChannel = !isBun && !isDeno;

/**
 * Whether SO_REUSEADDR on a bound socket that does not listen lets binds in that set it too, while the
 * kernel's own choice passes the port over (inet_csk_bind_conflict). The BSDs want SO_REUSEPORT of both
 * (in_pcbbind).
 */
export const reuseAddrSharesBoundPorts = isLinux;

/**
 * Whether SO_REUSEPORT lets nobody but the same user in, and binds of the other sockets need it as well
 * (inet_bind_conflict).
 */
export const reusePortIsForOneUser = isLinux;

/**
 * Whether a bind with SO_REUSEADDR gets the local port of an established connection, while the kernel's own
 * choice passes it over.
 */
export const reuseAddrSharesConnectedPorts = !isWindows;
