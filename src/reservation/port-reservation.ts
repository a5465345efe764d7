import type { ChildProcess } from 'node:child_process';
import { Socket as DatagramSocket } from 'node:dgram';
import type { AddressInfo, Server } from 'node:net';
import { type InspectOptionsStylized, inspect } from 'node:util';
import { isIpv6 } from '../base/addresses';
import { callSite } from '../base/call-site';
import { debug, debugging } from '../base/debug';
import { invalidArgType, stateError } from '../base/errors';
import { isDatagramIpv6 } from '../base/node-handles';
import { object } from '../base/validate';
import type { AdoptOptions } from '../serving/adopt';
import type { SocketHandle } from '../socket/socket-handle';
import { type Endpoint, Holds } from './holds';
import type { ReservedHosts } from './hosts';
import { Programs } from './programs';
import { checkReadyOptions, Readiness, type ReadyOptions } from './readiness';
import { Servers } from './servers';
import { checkLaunch, launch, type SpawnOnPortOptions } from './spawn';
import type { Hold, HoldAddress } from './strategies/hold';
import type { Strategy } from './strategies/table';

/**
 * - `held`: nobody but this process can use the port
 * - `listening`: a server of this process has it, or a program that was given the socket itself
 * - `shared`: programs may bind it by number
 * - `lost`: it could not be bound again when a server or program had closed it (strategy `release`, UDP on
 *   Windows): anybody can take it; the next `listen`, `bind` or `share` tries again
 * - `released`: over
 */
export type ReservationState = 'held' | 'listening' | 'shared' | 'lost' | 'released';

export interface BindOptions {
  /** Which of the reserved addresses to listen or receive on; the first by default. */
  host?: string;
}

export interface ListenOptions extends AdoptOptions, BindOptions {}

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
  readonly #holds: Holds;
  // The functions given to these two refer to this reservation, and the listeners on a running server or
  // program refer to those: so it is not collected as forgotten meanwhile.
  readonly #servers: Servers;
  readonly #programs: Programs;
  readonly #readiness: Readiness;
  #shared = false;
  #released = false;

  /** @internal */
  constructor({ hosts, strategy, holds, entryPoint }: ReservationParts) {
    this.#holds = new Holds(holds, hosts.addresses);
    const { port } = this.#holds;
    this.port = port;
    this.host = hosts.host;
    this.addresses = hosts.addresses;
    this.strategy = strategy;
    this.#servers = new Servers(port, (hold) => {
      if (!this.#released) hold.serverSocketClosed();
    });
    this.#programs = new Programs(port, () => this.#readiness.recheck());
    this.#readiness = new Readiness(port);
    this.#holds.closeWithForgotten(this, callSite(entryPoint));
  }

  /** What the port is doing. */
  get state(): ReservationState {
    if (this.#released) return 'released';
    if (this.#shared) return 'shared';
    if (this.#servers.areActive()) return 'listening';
    return this.#holds.areLost() ? 'lost' : 'held';
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
    return this.#servers.listen(server, this.#endpoint('tcp', host), backlog);
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
    const ofFamily = this.addresses.find((address) => isIpv6(address) === isDatagramIpv6(socket));
    const endpoint = this.#endpoint('udp', host === undefined ? ofFamily : host);
    return this.#servers.bind(socket, endpoint);
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
    this.#refuseReleased();
    this.#holds.of('tcp');
    if (this.#shared) return this.port;
    this.#servers.refuseWhileListening();
    this.#holds.share();
    this.#shared = true;
    if (debugging) debug('port %d is shared', this.port);
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
    this.#holds.unshare();
    this.#shared = false;
    if (debugging) debug('port %d is shared no longer', this.port);
    this.#readiness.recheck();
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
    if (plan.pass !== 'port') {
      const start = (sockets: readonly SocketHandle[]) => launch(plan, this.port, sockets);
      return this.#programs.watch(this.#servers.spawn(this.#holds.endpoints(), start));
    }
    const wasShared = this.#shared;
    this.share();
    try {
      return this.#programs.watch(launch(plan, this.port, []));
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
    const wait = checkReadyOptions(options);
    this.#refuseReleased();
    const holds = this.#holds.of('tcp');
    const known = this.#servers.listeningAddress();
    if (debugging && known) debug('port %d: a listener of ours on %s', this.port, known);
    const address =
      known ??
      (await this.#readiness.wait(holds, wait, {
        whyNobodyCan: () => this.#whyNobodyCanListen(),
        whyNobodyWill: () => this.#programs.failure(),
      }));
    return { address, family: isIpv6(address) ? 'IPv6' : 'IPv4', port: this.port };
  }

  /**
   * Gives the port up. Servers and programs that listen on it go on. Calling it again is harmless;
   * every other method throws `ERR_RESERVATION_RELEASED` from then on.
   *
   * @throws SystemError with `syscall: 'close'`: EBADF when somebody else closed one of its descriptors; all
   *   others are closed
   */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#shared = false;
    try {
      this.#holds.close();
    } finally {
      if (debugging) debug('port %d is released', this.port);
      this.#readiness.recheck();
    }
  }

  /** What console.log prints. */
  [inspect.custom](depth: number, style: InspectOptionsStylized, show: typeof inspect): string {
    if (depth < 0) return style.stylize('[PortReservation]', 'special');
    const { port, host, addresses, strategy, state } = this;
    return `PortReservation ${show({ port, host, addresses, strategy, state }, style)}`;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Closes the servers of this process that listen on the port, waits for them, and releases it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#servers.close();
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

  /** Where to bind for a server of this process. */
  #endpoint(protocol: HoldAddress['protocol'], host?: string): Endpoint {
    this.#refuseReleased();
    const endpoint = this.#holds.endpoint(protocol, host);
    if (this.#shared && protocol === 'tcp') {
      throw stateError(
        'ERR_RESERVATION_SHARED',
        `Port ${this.port} is shared with other programs: call unshare() before listening here`,
      );
    }
    return endpoint;
  }

  /** Why nobody can listen, if that is so. */
  #whyNobodyCanListen(): Error | undefined {
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
}
