/**
 * The only module that touches what Node keeps private: the libuv handle behind a server or socket,
 * and the constructors of such handles. Every access is checked, so that a runtime without them
 * (Bun, a later Node) is treated as one that has no libuv handles.
 */
import type { Socket as DatagramSocket } from 'node:dgram';
import { binding } from './binding';
import { node } from './node-modules';
import { hasHiddenDescriptors } from './platform';

/** A libuv TCP or UDP handle that has no socket yet. */
export interface OpenableHandle {
  /** -1 before open, and on Windows unless it was opened from a SOCKET. */
  readonly fd: number;
  /** Gives it a descriptor. Returns 0 or libuv's error number; after 0 the handle owns it. */
  open(fd: number): number;
  close(): void;
}

/** Whether a listen target is a libuv handle, not `{ fd }`. */
export function isOpenable(value: object): value is OpenableHandle {
  return isFunction(property(value, 'open')) && isFunction(property(value, 'close'));
}

type HandleClass = new (type?: number) => OpenableHandle;

/** TCPConstants.SERVER of Node's tcp_wrap. */
const SERVER = 1;

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === 'function';
}

function property(object: unknown, key: PropertyKey): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, key) : undefined;
}

function isHandleClass(value: unknown): value is HandleClass {
  return isFunction(value) && isFunction(property(value.prototype, 'open'));
}

/** The descriptions of dgram's own symbol in Node and in Deno. */
const STATE_SYMBOLS = ['state symbol', 'kStateSymbol'];

/** What dgram keeps behind a symbol since `_handle` is deprecated (DEP0112) and, in Node 26, gone. */
function stateOf(target: object): unknown {
  const key = Object.getOwnPropertySymbols(target).find(
    ({ description }) => description !== undefined && STATE_SYMBOLS.includes(description),
  );
  return key && property(target, key);
}

/** The handle behind a net, tls, http or http2 server or socket, or a dgram socket. */
export function handleOf(target: object): unknown {
  // Of net alone: to look through the symbols first would take longer than the system call.
  if (Object.hasOwn(target, '_handle')) return property(target, '_handle');
  const state = stateOf(target);
  // A dgram socket's own `_handle` warns (DEP0112), so it is not asked even when its state has none.
  return state === undefined ? property(target, '_handle') : property(state, 'handle');
}

/** Calls a method without arguments. Returns undefined where there is no such method. */
function call(object: unknown, method: string): unknown {
  const found = property(object, method);
  return isFunction(found) ? Reflect.apply(found, object, []) : undefined;
}

/**
 * The SOCKET behind a handle that shows no descriptor (Windows): the one that leaves the list of sockets
 * that keep the loop alive when the handle is unref'ed. No other code runs meanwhile, so nothing else
 * changes the list.
 */
function hiddenDescriptor(handle: unknown): number | undefined {
  const referenced = call(handle, 'hasRef');
  if (typeof referenced !== 'boolean') return undefined;
  call(handle, 'ref');
  const withIt = binding.loopSockets(true);
  call(handle, 'unref');
  const withoutIt = binding.loopSockets(true);
  if (referenced) call(handle, 'ref');
  return withIt.find((fd, i) => fd !== withoutIt[i]);
}

/**
 * The libuv handle below a TLS connection's handle, which is none itself. Its parent is the handle of the
 * TCP connection, or of another TLS connection that it is tunnelled through.
 */
function libuvHandle(handle: unknown): unknown {
  const parent = property(handle, '_parent');
  return parent === undefined || parent === null ? handle : libuvHandle(parent);
}

/** The handle's descriptor, or undefined where it has none (yet). */
export function descriptorOfHandle(handle: unknown): number | undefined {
  const fd = property(handle, 'fd');
  if (typeof fd === 'number' && fd >= 0) return fd;
  return hasHiddenDescriptors ? hiddenDescriptor(libuvHandle(handle)) : undefined;
}

/** The descriptor of a `net.BoundSocket`; undefined on Windows, where its fd() returns -1. */
export function descriptorOfBoundSocket(target: object): number | undefined {
  const fd = call(target, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/** Whether it is a `net.BoundSocket` (Node 24.19, 26.4), or does what one does. */
export function isBoundSocket(value: unknown): value is object {
  return (
    ['fd', 'address', 'close'].every((method) => isFunction(property(value, method))) &&
    !isFunction(property(value, 'listen')) &&
    !isFunction(property(value, 'bind'))
  );
}

/** The address of a `net.BoundSocket`, as it tells it. */
export function addressOfBoundSocket(bound: object): unknown {
  return call(bound, 'address');
}

/** Whether this thread's event loop has the descriptor already. Only where `hasHiddenDescriptors`. */
export function isInEventLoop(fd: number): boolean {
  return binding.loopSockets(false).includes(fd);
}

/** A duplicate of the handle's descriptor, the caller's to close. Deno gives nothing else. */
export function duplicateDescriptor(handle: unknown): number | undefined {
  const fd = call(handle, 'fdForIpc');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/**
 * Node's TCP handle class, which has no public name: the constructor of a connecting socket's handle. While
 * the socket waits for its name look-up it has a handle, and has made no system call.
 */
function findTcpClass(): HandleClass | undefined {
  const socket = new node.net.Socket();
  socket.on('error', () => {});
  socket.connect({ host: 'localhost', port: 1, lookup: () => {} });
  const found = property(handleOf(socket), 'constructor');
  socket.destroy();
  return isHandleClass(found) ? found : undefined;
}

function findUdpClass(): HandleClass | undefined {
  const socket = node.dgram.createSocket('udp4');
  const found = property(handleOf(socket), 'constructor');
  socket.close();
  return isHandleClass(found) ? found : undefined;
}

/** Calls `find` at the first use only. */
function once(find: () => HandleClass | undefined): () => HandleClass | undefined {
  let found: { handleClass: HandleClass | undefined } | undefined;
  return () => {
    found ??= { handleClass: find() };
    return found.handleClass;
  };
}

const tcpClass = once(findTcpClass);
const udpClass = once(findUdpClass);

/** A handle for `server.listen(handle)`, or undefined where the runtime has none. */
export function createTcpHandle(): OpenableHandle | undefined {
  const Tcp = tcpClass();
  // Without its argument the constructor aborts the process.
  return Tcp && new Tcp(SERVER);
}

/** A handle for `socket.bind(handle)`, or undefined where the runtime has none. */
export function createUdpHandle(ipv6: boolean): OpenableHandle | undefined {
  const Udp = udpClass();
  if (Udp === undefined) return undefined;
  const handle = new Udp();
  // dgram copies every function of its udp6 handle to ours but connect.
  if (ipv6) Reflect.set(handle, 'connect', property(handle, 'connect6'));
  return handle;
}

/** Whether a dgram socket is bound, or about to be. */
export function isDatagramBound(socket: DatagramSocket): boolean {
  // BIND_STATE_UNBOUND is 0.
  const bindState = property(stateOf(socket), 'bindState');
  return typeof bindState === 'number'
    ? bindState !== 0
    : descriptorOfHandle(handleOf(socket)) !== undefined;
}

/** Whether a dgram socket is closed for good. Where the runtime shows no state it is not known. */
export function isDatagramClosed(socket: DatagramSocket): boolean {
  return property(stateOf(socket), 'handle') === null;
}

/** The family that a dgram socket was created for. */
export function isDatagramIpv6(socket: DatagramSocket): boolean {
  return property(socket, 'type') === 'udp6';
}

/** What `net.Server` calls of its handle for as long as it listens. */
const LISTENING_METHODS = ['close', 'ref', 'unref'];

/**
 * Has `server` accept what comes to the handle of `other`, a listening `net.Server`, as if it came to its own:
 * net.js finds the server of a connection by a symbol of the handle. That handle is then closed, ref'ed and
 * unref'ed with the server's own.
 *
 * @returns false where the runtime shows no such handles (Bun)
 */
export function joinListeners(server: object, other: object): boolean {
  const own = handleOf(server);
  const joined = handleOf(other);
  if (typeof own !== 'object' || own === null) return false;
  if (typeof joined !== 'object' || joined === null) return false;
  const owner = Object.getOwnPropertySymbols(joined).find((key) => property(joined, key) === other);
  const methods = LISTENING_METHODS.map((name) => ({ name, method: property(own, name) }));
  if (owner === undefined || !methods.every(({ method }) => isFunction(method))) return false;
  Reflect.set(joined, owner, server);
  if (call(own, 'hasRef') === false) call(joined, 'unref');
  for (const { name, method } of methods) {
    if (!isFunction(method)) continue;
    Reflect.set(own, name, (...args: unknown[]) => {
      call(joined, name);
      return Reflect.apply(method, own, args);
    });
  }
  return true;
}

/** Closes a handle that nobody took. One that is closing already ignores it, as does what is no handle. */
export function closeHandle(handle: unknown): void {
  call(handle, 'close');
}
