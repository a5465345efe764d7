import type { ChildProcess } from 'node:child_process';
import { Socket as DatagramSocket } from 'node:dgram';
import type { AddressInfo, Server } from 'node:net';
import {
  canonicalAddress,
  connectAddress,
  covers,
  HOST,
  HOSTv6,
  ipVersion,
  isIpv6,
  isWildcard,
  outermostOf,
  WILDCARDv6,
} from '../base/addresses';
import { callSite } from '../base/call-site';
import { invalidArgType, invalidArgValue, stateError } from '../base/errors';
import { isDatagramIpv6 } from '../base/node-handles';
import { abortSignal, integer, object } from '../base/validate';
import { type AdoptOptions, adopt, refuseListening } from '../serving/adopt';
import type { SocketHandle } from '../socket/socket-handle';
import { localAddresses, type ReservedHosts } from './hosts';
import { firstListening } from './readiness';
import { checkLaunch, type Launch, launch, type SpawnOnPortOptions } from './spawn';
import { closeAll, type Hold, holdAddress } from './strategies/hold';
import type { Strategy } from './strategies/table';

/**
 * - `held`: nobody but this process can use the port
 * - `listening`: a server of this process has it, or a program that was given the socket itself
 * - `shared`: programs may bind it by number
 * - `released`: over
 */
export type ReservationState = 'held' | 'listening' | 'shared' | 'released';

export interface BindOptions {
  /** Which of the reserved addresses to listen or receive on; the first by default. */
  host?: string;
}

export interface ListenOptions extends AdoptOptions, BindOptions {}

export interface ReadyOptions {
  /** Milliseconds, 1 to 2^31 - 1; 30,000 by default. */
  timeout?: number;
  /** Ends the wait. */
  signal?: AbortSignal;
}

/** Somebody who serves on a socket of the reservation's. */
interface Serving {
  readonly at: readonly { readonly hold: Hold; readonly address: string }[];
  active(): boolean;
  /** Closes a server of this process. */
  close?(): Promise<void>;
}

/** A program that `spawn` started. */
interface Program {
  readonly command: string;
  running: boolean;
  end: string | Error;
}

const DEFAULT_TIMEOUT = 30_000;
const MAX_TIMEOUT = 0x7fffffff;

interface Kept {
  readonly holds: readonly Hold[];
  readonly port: number;
  readonly openedAt: string;
}

/**
 * Keeps the holds until the reservation itself is collected, so that a forgotten one gives one warning
 * and not one for each of its sockets.
 */
const forgotten = new FinalizationRegistry<Kept>(({ holds, port, openedAt }) => {
  closeAll(holds);
  process.emitWarning(`A PortReservation was never released: port ${port} is released now`, {
    code: 'BINDPORT_FORGOTTEN_RESERVATION',
    detail: `Reserved at:\n${openedAt}`,
  });
});

/** @internal */
export interface ReservationParts {
  readonly hosts: ReservedHosts;
  readonly strategy: Strategy;
  readonly holds: readonly [Hold, ...Hold[]];
  /** The public function that was called: a forgotten reservation's warning names its caller. */
  readonly entryPoint: CallableFunction;
}

/**
 * A port that is yours until you release it: made by `reservePort`. `held` → `listening` or `shared`
 * → `held` … → `released`; what each strategy guarantees is in docs/reservations.md.
 *
 * A reservation that is forgotten is released when it is collected, with a process warning that says
 * where it was made. One whose servers or programs are running is not forgotten.
 */
export class PortReservation implements Disposable, AsyncDisposable {
  /** The port, 1 to 65535. */
  readonly port: number;
  /** The host that was asked for (of several the first); `'127.0.0.1'` by default. */
  readonly host: string;
  /** The addresses that servers of this process can listen on, numeric. */
  readonly addresses: readonly string[];
  /** How the TCP port is kept for other programs; `'bound'` for UDP alone. */
  readonly strategy: Strategy;
  readonly #kept: Kept;
  readonly #serving = new Set<Serving>();
  #programs: Program[] = [];
  /** What `ready` calls are to do when the port is unshared or released. */
  readonly #waiting = new Set<() => void>();
  #shared = false;
  #released = false;

  /** @internal */
  constructor({ hosts, strategy, holds, entryPoint }: ReservationParts) {
    this.port = holds[0].port;
    this.host = hosts.host;
    this.addresses = hosts.addresses;
    this.strategy = strategy;
    this.#kept = { holds, port: this.port, openedAt: callSite(entryPoint) };
    forgotten.register(this, this.#kept, this.#kept);
  }

  /** What the port is doing. */
  get state(): ReservationState {
    if (this.#released) return 'released';
    if (this.#shared) return 'shared';
    return this.#isServed() ? 'listening' : 'held';
  }

  /**
   * Has a server of this process listen on the port. When the server closes, the port is still
   * reserved, and the next server can listen on it at once.
   *
   * @param server a net, tls, http, https or http2 server that does not listen yet
   * @param options.host which of `addresses` to listen on (or any address that the reservation covers);
   *   the first by default
   * @param options.backlog how many connections may wait, 0 to 2^31 - 1; 511 by default
   * @returns the address, once 'listening' was emitted
   * @throws (rejects) Error `ERR_RESERVATION_RELEASED`, `ERR_RESERVATION_SHARED` (call `unshare`
   *   first), `ERR_RESERVATION_LISTENING` when the address is served already,
   *   `ERR_RESERVATION_PROTOCOL` when only UDP is reserved; and as `adopt`. After each of these the
   *   port is reserved as before.
   */
  async listen(server: Server, options: ListenOptions = {}): Promise<AddressInfo> {
    const { host, backlog } = object('options', options);
    const hold = this.#holdToServe('tcp', host);
    const address = canonicalAddress(host ?? this.addresses[0] ?? hold.at.address);
    this.#refuseSecond(hold, [address]);
    refuseListening(server);
    const socket = hold.openServerSocket(holdAddress('tcp', address), backlog);
    const active = () => server.listening;
    return this.#handOver(server, socket, hold, address, active, backlog);
  }

  /**
   * Has a dgram socket of this process receive on the port. When the socket closes, the port is still
   * reserved; what arrives until the next `bind` is dropped (on Linux: elsewhere it waits).
   *
   * On Unix it is the same socket each time: options that one dgram socket sets (broadcast, multicast,
   * buffer sizes) the next one finds set.
   *
   * @param socket a dgram socket that is not bound yet, of a family that is reserved
   * @param options.host which of `addresses` to receive on; the first of the socket's family by default
   * @returns the address, once 'listening' was emitted
   * @throws (rejects) as `listen`
   */
  async bind(socket: DatagramSocket, options: BindOptions = {}): Promise<AddressInfo> {
    if (!(socket instanceof DatagramSocket)) {
      throw invalidArgType('socket', 'an instance of dgram.Socket', socket);
    }
    const { host } = object('options', options);
    const ipv6 = isDatagramIpv6(socket);
    const ofFamily = this.#holdsOf('udp').find(({ at }) => at.ipv6 === ipv6);
    const hold = (host === undefined && ofFamily) || this.#holdToServe('udp', host);
    this.#refuseSecond(hold, [hold.at.address]);
    let open = true;
    socket.once('close', () => {
      open = false;
    });
    return this.#handOver(
      socket,
      hold.openServerSocket(hold.at),
      hold,
      hold.at.address,
      () => open,
    );
  }

  /**
   * Lets other programs listen on the port by its number, again and again: each of them must set
   * SO_REUSEADDR, as nearly all servers do. The kernel still gives the port to nobody else. Calling it
   * again is harmless.
   *
   * @returns the port
   * @throws Error `ERR_RESERVATION_RELEASED`, `ERR_RESERVATION_LISTENING` while a server of this
   *   process has the port, `ERR_RESERVATION_PROTOCOL` when only UDP is reserved: a UDP port can't be
   *   shared safely, only handed over (`bind`, or `spawn` with `pass: 'fd'`)
   */
  share(): number {
    const holds = this.#holdsOf('tcp');
    if (this.#shared) return this.port;
    if (this.#isServed('tcp')) throw listeningError(this.port);
    for (const hold of holds) hold.share();
    this.#shared = true;
    return this.port;
  }

  /**
   * Ends `share`: no program can bind the port from now on. One that listens goes on listening, but
   * can't be restarted until the next `share`; one that has bound and not yet listened fails. Does
   * nothing when the port is not shared.
   *
   * @throws Error `ERR_RESERVATION_RELEASED`
   * @throws SystemError EADDRINUSE with the strategy `release`, when another program has the port
   */
  unshare(): void {
    this.#refuseReleased();
    if (!this.#shared) return;
    try {
      for (const hold of this.#kept.holds) hold.unshare();
    } catch (error) {
      // All of them or none: programs can go on using what the state calls shared.
      for (const hold of this.#kept.holds) hold.share();
      throw error;
    }
    this.#shared = false;
    for (const check of this.#waiting) check();
  }

  /**
   * Starts a program on the port. It runs on its own: nothing here restarts it, kills it, or waits for
   * it. The port stays reserved, and shared, when it ends. A program that can't be started is told by
   * its 'error' event and by `ready`; without a listener for 'error' nothing is thrown.
   *
   * @param command the program
   * @param args its arguments; `{port}` in them becomes the port. So does the variable PORT.
   * @param options as for `child_process.spawn`; and `pass`, what the program gets: `'port'` (the
   *   default) shares the port as `share` does; `'fd'` passes the sockets themselves, TCP listening
   *   already and UDP bound, blocking, as the descriptors 3 and up: one per address, TCP before UDP;
   *   `'systemd'` does the same with LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES set (`names`)
   * @throws TypeError for wrong arguments; Error as `share`
   */
  spawn(
    command: string,
    args: readonly string[] = [],
    options: SpawnOnPortOptions = {},
  ): ChildProcess {
    const plan = checkLaunch(command, args, object('options', options));
    this.#refuseReleased();
    if (plan.pass !== 'port') return this.#spawnWithSockets(plan);
    const wasShared = this.#shared;
    this.share();
    try {
      return this.#watch(launch(plan, this.port, []));
    } catch (error) {
      if (!wasShared) this.unshare();
      throw error;
    }
  }

  /**
   * Waits until somebody listens on the port: looks at once, and then after pauses that grow from 2 to
   * 200 ms. Programs notice nothing of it (with the strategy `release` they see a connection that says
   * nothing). A program that was given the socket itself listens from the start.
   *
   * @param options.timeout how long to wait, 1 to 2^31 - 1 ms; 30,000 by default
   * @param options.signal ends the wait: rejects with its reason
   * @returns where somebody listens
   * @throws (rejects) Error `ERR_RESERVATION_PROGRAM_EXITED` when every program started by `spawn` has
   *   ended and nobody listens, or the program's own 'error' (ENOENT); `ERR_RESERVATION_TIMEOUT`;
   *   `ERR_RESERVATION_HELD` when the port is neither shared nor served, `ERR_RESERVATION_RELEASED`,
   *   `ERR_RESERVATION_PROTOCOL` when only UDP is reserved; SystemError EMFILE when it can't look
   */
  async ready(options: ReadyOptions = {}): Promise<AddressInfo> {
    const { timeout = DEFAULT_TIMEOUT, signal } = object('options', options);
    integer('options.timeout', timeout, 1, MAX_TIMEOUT);
    abortSignal('options.signal', signal);
    const holds = this.#holdsOf('tcp');
    const served = this.#served();
    if (served !== undefined) return this.#addressInfo(served);
    const lookouts = holds.flatMap((hold) =>
      reachable(hold.at.address).map((address) => ({
        address,
        someoneListens: (end: AbortSignal) => hold.someoneListens(holdAddress('tcp', address), end),
      })),
    );
    const stop = new AbortController();
    const end = (reason: unknown) => stop.abort(reason);
    const onAbort = () => end(signal?.reason);
    const check = () => {
      const failure = this.#whyNobodyMay();
      if (failure) end(failure);
    };
    const timer = setTimeout(() => {
      const message = `Nobody listened on port ${this.port} within ${timeout} ms`;
      end(stateError('ERR_RESERVATION_TIMEOUT', message));
    }, timeout);
    this.#waiting.add(check);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted) onAbort();
      check();
      const address = await firstListening(lookouts, stop.signal, () => this.#howProgramsEnded());
      if (address === undefined) throw stop.signal.reason;
      return this.#addressInfo(address);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(check);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /**
   * Gives the port up. Servers and programs that listen on it go on. Calling it again is harmless;
   * every other method throws `ERR_RESERVATION_RELEASED` from then on.
   */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#shared = false;
    forgotten.unregister(this.#kept);
    closeAll(this.#kept.holds);
    for (const check of this.#waiting) check();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Closes the servers of this process that listen on the port, waits for them, and releases it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await Promise.all([...this.#serving].map((serving) => serving.close?.()));
    } finally {
      this.release();
    }
  }

  #refuseReleased(): void {
    if (this.#released) {
      throw stateError(
        'ERR_RESERVATION_RELEASED',
        `The reservation of port ${this.port} is released`,
      );
    }
  }

  #holdsOf(protocol: 'tcp' | 'udp'): readonly Hold[] {
    this.#refuseReleased();
    const holds = this.#kept.holds.filter(({ at }) => at.protocol === protocol);
    if (holds.length === 0) {
      throw stateError(
        'ERR_RESERVATION_PROTOCOL',
        `Port ${this.port} is not reserved for ${protocol.toUpperCase()}`,
      );
    }
    return holds;
  }

  /** As `#holdFor`, for a server of this process. */
  #holdToServe(protocol: 'tcp' | 'udp', host?: string): Hold {
    const hold = this.#holdFor(protocol, host);
    if (this.#shared && protocol === 'tcp') {
      throw stateError(
        'ERR_RESERVATION_SHARED',
        `Port ${this.port} is shared with other programs: call unshare() before listening here`,
      );
    }
    return hold;
  }

  /** The hold that keeps the port on an address. */
  #holdFor(protocol: 'tcp' | 'udp', host = this.addresses[0]): Hold {
    const holds = this.#holdsOf(protocol);
    if (typeof host !== 'string') throw invalidArgType('options.host', 'of type string', host);
    const address = canonicalAddress(host);
    // A wildcard covers every address, but no name, nor '', which bind takes for the wildcard.
    const hold = ipVersion(host) !== 0 && holds.find(({ at }) => covers(at.address, address));
    if (hold) return hold;
    // A connected pair stands on a loopback address, whichever address it is for.
    if (this.addresses.includes(address) && holds[0]) return holds[0];
    throw invalidArgValue('options.host', 'must be an address that is reserved', host);
  }

  #isServed(protocol?: 'tcp' | 'udp'): boolean {
    return [...this.#serving].some(
      ({ at, active }) =>
        active() && (!protocol || at.some(({ hold }) => hold.at.protocol === protocol)),
    );
  }

  /** An address of which is known that somebody listens there. */
  #served(): string | undefined {
    for (const serving of this.#serving) {
      const tcp = serving.at.find(({ hold }) => hold.at.protocol === 'tcp');
      if (tcp && serving.active()) return connectAddress(tcp.address);
    }
    return undefined;
  }

  #addressInfo(address: string): AddressInfo {
    return { address, family: isIpv6(address) ? 'IPv6' : 'IPv4', port: this.port };
  }

  #refuseSecond(hold: Hold, addresses: readonly string[]): void {
    for (const serving of this.#serving) {
      const same = serving.at.some(
        (at) =>
          at.hold === hold && addresses.some((a) => covers(a, at.address) || covers(at.address, a)),
      );
      if (same && serving.active()) throw listeningError(this.port);
    }
  }

  async #handOver(
    server: Server | DatagramSocket,
    socket: SocketHandle,
    hold: Hold,
    address: string,
    active: () => boolean,
    backlog?: number,
  ): Promise<AddressInfo> {
    const close = () =>
      new Promise<void>((resolve) => {
        if (!active()) return resolve();
        server.once('close', resolve);
        try {
          server.close();
        } catch {
          // A dgram socket that is closing already: its 'close' is still to come.
        }
      });
    const serving: Serving = { at: [{ hold, address }], active, close };
    const over = () => this.#servingEnded(serving);
    this.#serving.add(serving);
    // Before it listens: who closes it in its 'listening' event is faster than this promise.
    server.once('close', over);
    try {
      return await adopt(server, socket, backlog === undefined ? {} : { backlog });
    } catch (error) {
      server.off('close', over);
      socket.close();
      over();
      throw error;
    }
  }

  #servingEnded(serving: Serving): void {
    if (!this.#serving.delete(serving) || this.#released) return;
    for (const { hold } of serving.at) hold.serverSocketClosed();
  }

  #spawnWithSockets(plan: Launch): ChildProcess {
    const { holds } = this.#kept;
    const outermost = outermostOf(this.addresses);
    const at = holds.flatMap((hold) =>
      hold.at.protocol === 'udp'
        ? [{ hold, address: hold.at.address }]
        : outermost
            .filter((address) => this.#holdFor('tcp', address) === hold)
            .map((address) => ({ hold, address })),
    );
    for (const { hold, address } of at) this.#refuseSecond(hold, [address]);
    const sockets: SocketHandle[] = [];
    let running = true;
    const serving: Serving = { at, active: () => running };
    const over = () => {
      running = false;
      this.#servingEnded(serving);
    };
    this.#serving.add(serving);
    try {
      for (const { hold, address } of at) {
        sockets.push(hold.openServerSocket(holdAddress(hold.at.protocol, address)));
      }
      const child = launch(plan, this.port, sockets);
      // 'error' without a process id: nothing was started, and there will be no 'exit'.
      child.once('exit', over).once('error', () => child.pid === undefined && over());
      return this.#watch(child);
    } catch (error) {
      // Before the holds are told: with the strategy release they take the port again.
      for (const socket of sockets) socket.close();
      over();
      throw error;
    } finally {
      for (const socket of sockets) socket.close();
    }
  }

  /** Remembers how the program ends, for `ready`. */
  #watch(child: ChildProcess): ChildProcess {
    const program: Program = { command: child.spawnfile, running: true, end: 'has not ended' };
    this.#programs = [...this.#programs.filter(({ running }) => running), program];
    const ended = (end: string | Error) => {
      program.running = false;
      program.end = end;
      // That this names the reservation keeps it from being forgotten while the program runs.
      for (const check of this.#waiting) check();
    };
    child.once('exit', (code, signal) =>
      ended(signal === null ? `exited with status ${code}` : `was ended by ${signal}`),
    );
    // `ready` tells that it could not be started. Any other (kill EPERM) ends neither the program nor us.
    child.on('error', (error) => child.pid === undefined && ended(error));
    return child;
  }

  /** Why nobody can listen, if that is so. */
  #whyNobodyMay(): Error | undefined {
    if (this.#released) {
      return stateError(
        'ERR_RESERVATION_RELEASED',
        `The reservation of port ${this.port} was released before anybody listened`,
      );
    }
    if (!this.#shared) {
      return stateError(
        'ERR_RESERVATION_HELD',
        `Port ${this.port} is neither shared nor served: nobody can listen on it`,
      );
    }
    return undefined;
  }

  /** How the last of the programs ended, when none is running any more. */
  #howProgramsEnded(): Error | undefined {
    const last = this.#programs.at(-1);
    if (last === undefined || this.#programs.some(({ running }) => running)) return undefined;
    if (last.end instanceof Error) return last.end;
    return stateError(
      'ERR_RESERVATION_PROGRAM_EXITED',
      `${last.command} ${last.end} before it listened on port ${this.port}. ` +
        "If it reported the address as in use, it does not set SO_REUSEADDR: pass it the socket itself (pass: 'fd' or 'systemd')",
    );
  }
}

function listeningError(port: number): Error {
  return stateError(
    'ERR_RESERVATION_LISTENING',
    `Port ${port} is served already: close the server that listens on it first`,
  );
}

/** Where to connect to reach somebody who listens on an address, or on one of those that it covers. */
function reachable(address: string): string[] {
  if (!isWildcard(address)) return [address];
  const loopback = address === WILDCARDv6 ? [HOST, HOSTv6] : [HOST];
  return [...new Set([...loopback, ...localAddresses().filter((local) => covers(address, local))])];
}
