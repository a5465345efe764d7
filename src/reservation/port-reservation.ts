import type { ChildProcess } from 'node:child_process';
import type { Socket as DatagramSocket } from 'node:dgram';
import type { AddressInfo, Server } from 'node:net';
import { type InspectOptionsStylized, inspect } from 'node:util';
import { HOST, HOSTv6, isIpv6 } from '../base/addresses';
import { debug, debugging } from '../base/debug';
import { invalidArgType, stateError } from '../base/errors';
import { isDatagramIpv6 } from '../base/node-handles';
import { node } from '../base/node-modules';
import { object } from '../base/validate';
import type { AdoptOptions } from '../serving/adopt';
import type { SocketHandle } from '../socket/socket-handle';
import { type Endpoint, Holds } from './holds';
import { LOCALHOST, loopbackAddresses, type ReservedHosts } from './hosts';
import { whoListens } from './listeners';
import { OtherProgram } from './programs';
import { checkReadyOptions, type ReadyOptions } from './readiness';
import { checkLaunch, launch, type SpawnOnPortOptions } from './spawn';
import type { Hold, HoldAddress } from './strategies/hold';
import type { Strategy } from './strategies/table';
import { urlOf } from './url';
import { type Users, usersOf } from './users';

/**
 * - `held`: nobody else can bind the port (macOS, FreeBSD: but by its number with SO_REUSEADDR)
 * - `listening`: a server of this process has it, or a program that was given the socket itself; or a process
 *   that has the socket from such a program, as far as the system tells it (Linux, macOS)
 * - `shared`: programs can bind it by number, yours and others
 * - `guarded`: only programs that `spawn` has started with `pass: 'guarded'` can bind it
 * - `lost`: it could not be bound again when a server or program had closed it (strategy `release`, UDP on
 *   Windows): anybody can take it; the next `listen`, `bind` or `share` tries again
 * - `released`: over
 */
export type ReservationState = 'held' | 'listening' | 'shared' | 'guarded' | 'lost' | 'released';

export interface BindOptions {
  /**
   * Which of the reserved addresses to listen or receive on, or `'localhost'`: the loopback addresses, of a
   * dgram socket's family the one. The first by default.
   */
  host?: string;
}

export interface ListenOptions extends AdoptOptions, BindOptions {}

/** @internal */
export interface ReservationParts {
  readonly hosts: ReservedHosts;
  readonly strategy: Strategy;
  readonly holds: readonly [Hold, ...Hold[]];
  /** Where the public function was called, for a forgotten reservation's warning. */
  readonly reservedAt: string | undefined;
}

/**
 * A port that is kept until you release it: made by `reservePort`. `held` → `listening` or `shared`
 * → `held` … → `released`; what each strategy guarantees is in docs/reservations.md.
 *
 * A reservation that is forgotten is released when it is collected, with a process warning that says, with
 * `--trace-warnings`, where it was made. One whose servers or programs are running is not forgotten.
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
  #users: Users | undefined;
  #shared = false;
  #released = false;

  /** @internal */
  constructor({ hosts, strategy, holds, reservedAt }: ReservationParts) {
    this.#holds = new Holds(holds, hosts.addresses);
    this.port = this.#holds.port;
    this.host = hosts.host;
    this.addresses = hosts.addresses;
    this.strategy = strategy;
    this.#holds.closeWithForgotten(this, reservedAt);
  }

  /** Made at the first use: together they cost as much as the bind, and many a reservation needs none. */
  get #using(): Users {
    this.#users ??= usersOf(this.port, this.strategy, this.#holds, () => this.#released);
    return this.#users;
  }

  get #isGuarded(): boolean {
    return this.#users?.guard.isOpen === true;
  }

  /** What the port is doing. */
  get state(): ReservationState {
    if (this.#released) return 'released';
    if (this.#shared) return 'shared';
    if (this.#isGuarded) return 'guarded';
    if (this.#users?.servers.areActive()) return 'listening';
    return this.#holds.areLost() ? 'lost' : 'held';
  }

  /**
   * Where clients of this machine find what listens on the port: `http://127.0.0.1:40123`. The host is the
   * first of `addresses`, IPv6 in brackets, `localhost` when that was asked for, and 127.0.0.1 for a wildcard
   * address. (A zone is written `%25eth0`, as RFC 6874 has it; `new URL` knows no zones.)
   *
   * @param protocol the scheme, with or without its colon; `'http'` by default
   * @param path what follows the port, as it is: empty, or from a `/`, `?` or `#` on; empty by default
   * @throws TypeError for anything else
   */
  url(protocol = 'http', path = ''): string {
    const [address = this.host] = this.addresses;
    return urlOf(this.host === LOCALHOST ? LOCALHOST : address, this.port, protocol, path);
  }

  /**
   * Has a server of this process listen on the port. When the server closes, the port is still
   * reserved, and the next server can listen on it at once.
   *
   * @param server a net, tls, http, https or http2 server that does not listen yet
   * @param options.host which of `addresses` to listen on (or any address that the reservation covers), or
   *   `'localhost'`: both loopback addresses. The first by default, `'localhost'` when that was asked for.
   * @param options.backlog how many connections may wait, 0 to 2^31 - 1; 511 by default
   * @returns the address, of two the first, once 'listening' was emitted
   * @throws (rejects) Error `ERR_RESERVATION_RELEASED`, `ERR_RESERVATION_SHARED` (call `unshare`
   *   first), `ERR_RESERVATION_LISTENING` when the address is served already,
   *   `ERR_RESERVATION_PROTOCOL` when only UDP is reserved; and as `adopt`. After each of these the
   *   port is reserved as before.
   */
  async listen(server: Server, options: ListenOptions = {}): Promise<AddressInfo> {
    const { host = this.host === LOCALHOST ? LOCALHOST : undefined, backlog } = object(
      'options',
      options,
    );
    const hosts = host === LOCALHOST ? loopbackAddresses() : [host];
    const endpoints = hosts.map((address) => this.#endpoint('tcp', address));
    return this.#using.servers.listen(server, endpoints, backlog);
  }

  /**
   * Has a dgram socket of this process receive on the port. When the socket closes, the port is still
   * reserved; what arrives until the next `bind` is dropped (on Linux: elsewhere it waits).
   *
   * On Unix it is the same socket each time: options that one dgram socket sets (broadcast, buffer sizes) the
   * next one finds set. On Linux it has left the multicast groups.
   *
   * @param socket a dgram socket that is not bound yet, of a family that is reserved
   * @param options.host which of `addresses` to receive on; the first of the socket's family by default
   * @returns the address, once 'listening' was emitted
   * @throws (rejects) as `listen`
   */
  async bind(socket: DatagramSocket, options: BindOptions = {}): Promise<AddressInfo> {
    if (!(socket instanceof node.dgram.Socket)) {
      throw invalidArgType('socket', 'an instance of dgram.Socket', socket);
    }
    const { host } = object('options', options);
    const ipv6 = isDatagramIpv6(socket);
    const ofFamily = this.addresses.find((address) => isIpv6(address) === ipv6);
    const loopback = ipv6 ? HOSTv6 : HOST;
    const address = host === LOCALHOST ? loopback : host === undefined ? ofFamily : host;
    return this.#using.servers.bind(socket, this.#endpoint('udp', address));
  }

  /**
   * Lets other programs listen on the port by its number, again and again: each of them must set
   * SO_REUSEADDR, as nearly all servers do. The kernel still gives the port to nobody who binds to port 0 or
   * connects; but any program of this machine that binds this very number first gets it, and then `ready`
   * rejects. While one listens, no other can on its address, unless both set SO_REUSEPORT. On Windows nothing
   * keeps a shared port. Calling it again is harmless.
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
    this.#users?.servers.refuseWhileListening();
    this.#holds.share();
    this.#shared = true;
    if (debugging) debug('port %d is shared', this.port);
    return this.port;
  }

  /**
   * Ends `share` and `pass: 'guarded'`: no program can bind the port from now on. One that listens goes on
   * listening, but can't be restarted until the next `share`; one that has bound and not yet listened fails. Does
   * nothing when the port is neither shared nor guarded.
   *
   * @throws Error `ERR_RESERVATION_RELEASED`
   * @throws SystemError EADDRINUSE with the strategy `release`, when another program has the port
   */
  unshare(): void {
    this.#refuseReleased();
    if (!this.#shared && !this.#isGuarded) return;
    this.#users?.guard.close();
    this.#holds.unshare();
    this.#shared = false;
    if (debugging) debug('port %d is shared no longer', this.port);
    this.#users?.readiness.recheck();
  }

  /**
   * Starts a program on the port. It runs on its own: nothing here restarts it, and only `await using`
   * ends it. The port stays reserved, and shared, when it ends. A program that can't be started is told by
   * its 'error' event and by `ready`; without a listener for 'error' nothing is thrown.
   *
   * @param command the program; on Windows a script, too (`.cmd`), with PATHEXT's extensions tried
   * @param args its arguments, none when left out; `{port}` in them becomes the port. So does the variable
   *   PORT.
   * @param options as for `child_process.spawn`; and `pass`, what the program gets: `'port'` (the
   *   default) shares the port as `share` does; `'guarded'` lets this program and those that it starts bind
   *   it by number and nobody else, whether they set SO_REUSEADDR or not (Linux 5.19 and later:
   *   docs/guarded.md); `'fd'` passes the sockets themselves, TCP listening
   *   already and UDP bound, blocking, as the descriptors 3 and up: one per address, TCP before UDP;
   *   `'systemd'` does the same with LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES set (`names`)
   * @throws TypeError for wrong arguments; Error as `share`, and `ERR_RESERVATION_PROTOCOL` for a number when
   *   UDP is reserved, too: it can only be passed; for `'guarded'` `ERR_RESERVATION_UNGUARDED`, with the reason,
   *   where that can't be done, and `ERR_RESERVATION_SHARED` while the port is shared
   */
  spawn(command: string, options?: SpawnOnPortOptions): ChildProcess;
  spawn(
    command: string,
    args?: readonly string[] | undefined,
    options?: SpawnOnPortOptions,
  ): ChildProcess;
  spawn(
    command: string,
    args?: readonly string[] | SpawnOnPortOptions,
    options?: SpawnOnPortOptions,
  ): ChildProcess {
    const plan = checkLaunch(command, args, options);
    this.#refuseReleased();
    if (plan.pass === 'fd' || plan.pass === 'systemd') {
      const start = (sockets: readonly SocketHandle[]) =>
        launch(plan, this.port, sockets, this.#using.programs.mark);
      return this.#using.programs.watch(
        this.#using.servers.spawn(this.#holds.endpoints(), start),
        plan,
      );
    }
    this.#holds.refuseNumberAlone();
    if (plan.pass === 'guarded') {
      this.#refuseShared(this.#shared);
      this.#users?.servers.refuseWhileListening();
      return this.#using.programs.watch(
        this.#using.guard.launch(plan, this.#using.programs.mark),
        plan,
      );
    }
    const wasShared = this.#shared;
    this.share();
    try {
      return this.#using.programs.watch(
        launch(plan, this.port, [], this.#using.programs.mark),
        plan,
      );
    } catch (error) {
      if (!wasShared) this.unshare();
      throw error;
    }
  }

  /**
   * Waits until a program that `spawn` has started listens on the port, or a process that descends from one:
   * looks at once, and then after pauses that grow from 2 to 200 ms. Programs notice nothing of it (with the
   * strategy `release` they see a connection that says nothing). A program that was given the socket itself
   * listens from the start.
   *
   * Who listens is known on Linux, but for processes of other users (root sees them), for those that have
   * overwritten their environment and left their parents, and for containers, whose port a service passes on:
   * these are taken for the program. On macOS and Windows only a listener that is older than the program is
   * known to be none. After `share` alone, without `spawn` and `pid`, it is whoever listens.
   *
   * @param options.timeout how long to wait, 1 to 2^31 - 1 ms; 30,000 by default
   * @param options.signal ends the wait: rejects with its reason
   * @param options.pid the process, 1 to 2^31 - 1, that is to listen, or whose descendant is: for a launcher of
   *   your own, after `share`
   * @returns where it listens
   * @throws (rejects) Error `ERR_RESERVATION_TAKEN` (`pid` and `command` name the process) when another
   *   process has listened for two seconds, or listens when the program has failed or the time is up;
   *   `ERR_RESERVATION_PROGRAM_EXITED` when every program has ended, the last one not with status 0, and
   *   nobody listens; the program's own 'error' (ENOENT); `ERR_RESERVATION_TIMEOUT`;
   *   `ERR_RESERVATION_HELD` when the port is neither shared nor served, `ERR_RESERVATION_RELEASED`,
   *   `ERR_RESERVATION_PROTOCOL` when only UDP is reserved; SystemError EMFILE when it can't look
   */
  async ready(options: ReadyOptions = {}): Promise<AddressInfo> {
    const wait = checkReadyOptions(options);
    this.#refuseReleased();
    const holds = this.#holds.of('tcp');
    const known = this.#users?.servers.listeningAddress();
    if (debugging && known) debug('port %d: a listener of ours on %s', this.port, known);
    const program =
      wait.pid === undefined ? this.#using.programs : new OtherProgram(this.port, wait.pid);
    const address =
      known ??
      (await this.#using.readiness.wait(holds, wait, {
        whoListens: (at) => {
          const { roots } = program;
          return roots === undefined ? 'ours' : whoListens(this.port, at, roots);
        },
        whyNobodyCan: () => this.#whyNobodyCanListen() ?? program.startFailure(),
        whyNobodyWill: () => program.failure(),
      }));
    return { address, family: isIpv6(address) ? 'IPv6' : 'IPv4', port: this.port };
  }

  /**
   * Gives the port up. Servers and programs that listen on it go on (`await using` ends them). Calling it again is
   * harmless; every method but this one and `url` throws `ERR_RESERVATION_RELEASED` from then on.
   *
   * @throws SystemError with `syscall: 'close'`: EBADF when somebody else closed one of its descriptors; all
   *   others are closed
   */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#shared = false;
    this.#users?.guard.close();
    try {
      this.#holds.close();
    } finally {
      if (debugging) debug('port %d is released', this.port);
      this.#users?.readiness.recheck();
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

  /**
   * Closes the servers of this process that listen on the port, ends the programs that `spawn` has started,
   * waits for both, and releases the port. Connections and programs have 3 seconds to end by themselves: then
   * connections are destroyed, and programs, which got SIGTERM, get SIGKILL. On Linux so do all processes that
   * descend from them; on other systems they themselves alone.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await Promise.all([this.#users?.servers.close(), this.#users?.programs.end()]);
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
    if (protocol === 'tcp') this.#refuseShared(this.#shared || this.#isGuarded);
    return endpoint;
  }

  #refuseShared(isShared: boolean): void {
    if (!isShared) return;
    throw stateError(
      'ERR_RESERVATION_SHARED',
      `Port ${this.port} is shared with other programs: call unshare() first`,
    );
  }

  /** Why nobody can listen, if that is so. */
  #whyNobodyCanListen(): Error | undefined {
    if (this.#released) {
      return stateError(
        'ERR_RESERVATION_RELEASED',
        `The reservation of port ${this.port} was released before anybody listened`,
      );
    }
    if (!this.#shared && !this.#isGuarded) {
      return stateError(
        'ERR_RESERVATION_HELD',
        `Port ${this.port} is neither shared nor served: nobody can listen on it`,
      );
    }
    return undefined;
  }
}
