import type { ChildProcess } from 'node:child_process';
import type { Socket as DatagramSocket } from 'node:dgram';
import type { AddressInfo, Server, Socket } from 'node:net';
import { canonicalAddress, connectAddress, covers } from '../base/addresses';
import { stateError } from '../base/errors';
import { findSocketsSync } from '../inspection/find-sockets';
import { adopt, refuseListening } from '../serving/adopt';
import { adoptSeveral } from '../serving/adopt-several';
import type { SocketHandle } from '../socket/socket-handle';
import { GRACE } from './ending';
import type { Endpoint } from './holds';
import { closeAll, type Hold, type HoldAddress, holdAddress } from './strategies/hold';

type SocketList = readonly [SocketHandle, ...SocketHandle[]];

/** A server of this process, or a program that was given sockets, with where they are bound. */
interface SocketUser {
  readonly endpoints: readonly Endpoint[];
  isActive(): boolean;
  /** Closes a server of this process, in time with its connections, and resolves when it is closed. */
  close?(): Promise<void>;
}

/**
 * Who has sockets on a reserved port: at most one server, or program that was given the sockets, for each
 * address.
 */
export class Servers {
  readonly #port: number;
  readonly #onSocketClosed: (hold: Hold) => void;
  readonly #users = new Set<SocketUser>();

  /**
   * @param onSocketClosed called with the hold of each socket whose server or program has ended. Whatever
   *   it refers to is not collected while one of them runs.
   */
  constructor(port: number, onSocketClosed: (hold: Hold) => void) {
    this.#port = port;
    this.#onSocketClosed = onSocketClosed;
  }

  /** Whether anybody has a socket, of this protocol or of any. */
  areActive(protocol?: HoldAddress['protocol']): boolean {
    return [...this.#users].some(
      ({ endpoints, isActive }) =>
        isActive() && (!protocol || endpoints.some(({ hold }) => hold.at.protocol === protocol)),
    );
  }

  /** @throws Error `ERR_RESERVATION_LISTENING` when a server or program has a TCP socket */
  refuseWhileListening(): void {
    if (this.areActive('tcp')) throw this.#listeningError();
  }

  /** Where to connect to a server or program that listens; undefined when none does. */
  listeningAddress(): string | undefined {
    for (const { endpoints, isActive } of this.#users) {
      const tcp = endpoints.find(({ hold }) => hold.at.protocol === 'tcp');
      if (tcp && isActive()) return connectAddress(tcp.address);
    }
    return undefined;
  }

  /**
   * Has a server listen. Rejects as `adopt`, and with `ERR_RESERVATION_LISTENING` when the address is served
   * already; nobody has a socket then.
   */
  async listen(
    server: Server,
    endpoints: readonly Endpoint[],
    backlog?: number,
  ): Promise<AddressInfo> {
    for (const endpoint of endpoints) this.#refuseSecond(endpoint);
    refuseListening(server);
    const options = backlog === undefined ? {} : { backlog };
    return this.#handOver(
      server,
      endpoints,
      () => server.listening,
      (sockets) => adoptSeveral(server, sockets, options),
      backlog,
    );
  }

  /** As `listen`, for a dgram socket that is to receive. */
  async bind(socket: DatagramSocket, endpoint: Endpoint): Promise<AddressInfo> {
    this.#refuseSecond(endpoint);
    let open = true;
    socket.once('close', () => {
      open = false;
    });
    return this.#handOver(
      socket,
      [endpoint],
      () => open,
      ([handle]) => adopt(socket, handle),
    );
  }

  /**
   * Has a program serve that inherits the sockets.
   *
   * @param start starts the program; the sockets are closed here when it returns
   */
  spawn(
    endpoints: readonly Endpoint[],
    start: (sockets: readonly SocketHandle[]) => ChildProcess,
  ): ChildProcess {
    for (const endpoint of endpoints) this.#refuseSecond(endpoint);
    let running = true;
    const isActive = () => {
      // No event tells when the last heir of the sockets ends.
      if (!running && !endpoints.some(isServedBySomebody)) this.#remove(user);
      return this.#users.has(user);
    };
    const user: SocketUser = { endpoints, isActive };
    const onEnd = () => {
      running = false;
      isActive();
    };
    this.#users.add(user);
    const sockets: SocketHandle[] = [];
    try {
      for (const endpoint of endpoints) sockets.push(openSocket(endpoint));
      const child = start(sockets);
      // 'error' without a process id: nothing was started, and there will be no 'exit'.
      child.once('exit', onEnd).once('error', () => child.pid === undefined && onEnd());
      return child;
    } catch (error) {
      // Before onEnd: with the strategy release the hold binds the port again then.
      closeAll(sockets);
      onEnd();
      throw error;
    } finally {
      closeAll(sockets);
    }
  }

  /** Closes the servers of this process, after the grace period with their connections; resolves when they are closed. */
  async close(): Promise<void> {
    await Promise.all([...this.#users].map((user) => user.close?.()));
  }

  async #handOver(
    server: Server | DatagramSocket,
    endpoints: readonly Endpoint[],
    isActive: () => boolean,
    serve: (sockets: SocketList) => Promise<AddressInfo>,
    backlog?: number,
  ): Promise<AddressInfo> {
    const sockets = openSockets(endpoints, backlog);
    const connections = new Set<Socket>();
    const onConnection = (connection: Socket) => {
      connections.add(connection);
      connection.once('close', () => connections.delete(connection));
    };
    const close = () =>
      new Promise<void>((resolve) => {
        if (!isActive()) return resolve();
        // Connections of any length keep a server open: event streams, WebSockets.
        const timer = setTimeout(() => {
          for (const connection of connections) connection.destroy();
        }, GRACE);
        server.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        try {
          server.close();
        } catch {
          // A dgram socket that is closing already: its 'close' is still to come.
        }
      });
    const user: SocketUser = { endpoints, isActive, close };
    const onClose = () => {
      server.off('connection', onConnection);
      this.#remove(user);
    };
    this.#users.add(user);
    server.on('connection', onConnection);
    try {
      // Before it listens: a 'listening' listener may close it before this promise resolves.
      server.once('close', onClose);
      return await serve(sockets);
    } catch (error) {
      closeAll(sockets);
      onClose();
      server.off('close', onClose);
      throw error;
    }
  }

  #remove(user: SocketUser): void {
    if (!this.#users.delete(user)) return;
    for (const { hold } of user.endpoints) this.#onSocketClosed(hold);
  }

  #refuseSecond({ hold, address }: Endpoint): void {
    for (const { endpoints, isActive } of this.#users) {
      const overlaps = endpoints.some(
        (other) =>
          other.hold === hold && (covers(address, other.address) || covers(other.address, address)),
      );
      if (overlaps && isActive()) throw this.#listeningError();
    }
  }

  #listeningError(): Error {
    return stateError(
      'ERR_RESERVATION_LISTENING',
      `Port ${this.#port} is served already: close the server that listens on it first`,
    );
  }
}

/** A socket for each of the endpoints, of which there is one at least; or none when it throws. */
function openSockets([first, ...others]: readonly Endpoint[], backlog?: number): SocketList {
  if (first === undefined) throw new Error('there is nowhere to listen');
  const sockets: [SocketHandle, ...SocketHandle[]] = [openSocket(first, backlog)];
  try {
    for (const endpoint of others) sockets.push(openSocket(endpoint, backlog));
    return sockets;
  } catch (error) {
    closeAll(sockets);
    throw error;
  }
}

/** Whether a process has a passed socket still: one that the program has started. */
function isServedBySomebody({ hold, address }: Endpoint): boolean {
  const { protocol } = hold.at;
  const of = { port: hold.port, protocol } as const;
  try {
    const sockets = findSocketsSync(
      protocol === 'tcp'
        ? { ...of, state: 'LISTEN', processes: 'none' }
        : // It is the hold's own socket, too.
          { ...of, processes: 'all' },
    );
    return sockets.some(
      ({ local, processes }) =>
        canonicalAddress(local.address) === canonicalAddress(address) &&
        (protocol === 'tcp' || processes.some(({ pid }) => pid !== process.pid)),
    );
  } catch {
    // Where the system does not tell, or no descriptor is left to ask with.
    return false;
  }
}

function openSocket({ hold, address }: Endpoint, backlog?: number): SocketHandle {
  return hold.openServerSocket(holdAddress(hold.at.protocol, address), backlog);
}
