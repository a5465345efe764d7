import { canonicalAddress, covers, ipVersion, outermostOf } from '../base/addresses';
import { toldPlace } from '../base/call-site';
import { invalidArgValue, stateError } from '../base/errors';
import { socketsAreFiles } from '../base/platform';
import { text } from '../base/validate';
import { closeAll, type Hold, type HoldAddress } from './strategies/hold';

type Protocol = HoldAddress['protocol'];

/** Where a socket on the port is bound: an address, and the hold that covers it. */
export interface Endpoint {
  readonly hold: Hold;
  readonly address: string;
}

interface Forgotten {
  readonly port: number;
  readonly holds: readonly Hold[];
  readonly reservedAt: string | undefined;
}

/**
 * It keeps the holds, and never the reservation, until the reservation is collected: so a forgotten one
 * gives one warning and not one for each of its sockets.
 */
const forgotten = new FinalizationRegistry<Forgotten>(({ port, holds, reservedAt }) => {
  try {
    closeAll(holds);
  } catch {
    // Somebody else closed one of the descriptors. An exception here would end the process.
  }
  process.emitWarning(`A PortReservation was never released: port ${port} is released now`, {
    code: 'BINDPORT_FORGOTTEN_RESERVATION',
    detail: toldPlace('made', reservedAt),
  });
});

/** The holds of one port, one for each protocol and address: shared, unshared and closed together. */
export class Holds {
  readonly port: number;
  readonly #holds: readonly Hold[];
  readonly #addresses: readonly string[];

  /** @param addresses those that are reserved, in their canonical spelling: the holds keep the port on them */
  constructor(holds: readonly [Hold, ...Hold[]], addresses: readonly string[]) {
    this.port = holds[0].port;
    this.#holds = holds;
    this.#addresses = addresses;
  }

  /**
   * Closes the holds when `reservation` is collected before they are closed.
   *
   * @param reservedAt where it was made, for the warning
   */
  closeWithForgotten(reservation: object, reservedAt: string | undefined): void {
    forgotten.register(reservation, { port: this.port, holds: this.#holds, reservedAt }, this);
  }

  have(protocol: Protocol): boolean {
    return this.#holds.some(({ at }) => at.protocol === protocol);
  }

  /** @throws Error `ERR_RESERVATION_PROTOCOL` when there is none */
  of(protocol: Protocol): readonly Hold[] {
    const holds = this.#holds.filter(({ at }) => at.protocol === protocol);
    if (holds.length > 0) return holds;
    throw stateError(
      'ERR_RESERVATION_PROTOCOL',
      `Port ${this.port} is not reserved for ${protocol.toUpperCase()}`,
    );
  }

  /**
   * A program that is given the number would have TCP and find UDP in use, or take it for an error of its own.
   *
   * @throws Error `ERR_RESERVATION_PROTOCOL` when a UDP port is held
   */
  refuseNumberAlone(): void {
    if (!this.have('udp')) return;
    const passed = socketsAreFiles
      ? "pass the sockets themselves (pass: 'fd' or 'systemd'), or "
      : '';
    throw stateError(
      'ERR_RESERVATION_PROTOCOL',
      `UDP port ${this.port} is reserved and can't be shared by its number: ${passed}reserve TCP alone`,
    );
  }

  /**
   * Where to bind a socket for the option `host`; the first reserved address by default.
   *
   * @throws TypeError for a host that is not reserved; Error as `of`
   */
  endpoint(protocol: Protocol, host: string | undefined = this.#addresses[0]): Endpoint {
    const holds = this.of(protocol);
    const address = canonicalAddress(text('options.host', host));
    const hold = this.#covering(holds, address);
    if (hold === undefined) {
      throw invalidArgValue('options.host', 'must be an address that is reserved', host);
    }
    // A UDP socket is the hold's own, and bound already.
    return { hold, address: protocol === 'udp' ? hold.at.address : address };
  }

  /** One for each socket that can be bound at the same time, together for all addresses: TCP before UDP. */
  endpoints(): Endpoint[] {
    const outermost = outermostOf(this.#addresses);
    const tcp = this.#holds.filter(({ at }) => at.protocol === 'tcp');
    return this.#holds.flatMap((hold) =>
      hold.at.protocol === 'udp'
        ? [{ hold, address: hold.at.address }]
        : outermost
            .filter((address) => this.#covering(tcp, address) === hold)
            .map((address) => ({ hold, address })),
    );
  }

  #covering(holds: readonly Hold[], address: string): Hold | undefined {
    // A wildcard covers every address, but no name, nor '', which bind takes for the wildcard.
    const covering =
      ipVersion(address) === 0 ? undefined : holds.find(({ at }) => covers(at.address, address));
    // A strategy that needs a real address keeps the port of a wildcard on another one.
    return covering ?? (this.#addresses.includes(address) ? holds[0] : undefined);
  }

  /** Whether the port is kept no longer on one of the addresses. */
  areLost(): boolean {
    return this.#holds.some((hold) => hold.isLost());
  }

  /** All of them, or none when it throws. */
  share(): void {
    const shared: Hold[] = [];
    try {
      for (const hold of this.#holds) {
        shared.push(hold);
        hold.share();
      }
    } catch (error) {
      for (const hold of shared) hold.unshare();
      throw error;
    }
  }

  /** All of them, or none when it throws. */
  unshare(): void {
    try {
      for (const hold of this.#holds) hold.unshare();
    } catch (error) {
      this.share();
      throw error;
    }
  }

  close(): void {
    forgotten.unregister(this);
    closeAll(this.#holds);
  }
}
