/** What differs between platforms and runtimes above the native code. The only reader of `process.platform`. */
export const isWindows = process.platform === 'win32';
export const isLinux = process.platform === 'linux';

/** The largest number that can be a descriptor: an `int`, or a pointer-sized SOCKET on Windows. */
export const maxDescriptor = isWindows ? Number.MAX_SAFE_INTEGER : 0x7fffffff;

/** Bun's `http` servers listen on a random port when they are given a descriptor (seen with Bun 1.4). */
export const isBun = 'bun' in process.versions;

export const isDeno = 'deno' in process.versions;

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

/** How a TCP port can be kept for another program here: docs/reservations.md. */
export const reservationStrategy = isLinux ? 'bound' : isWindows ? 'release' : 'connected-pair';
