import { EACCES, isSystemError } from '../base/errors';
import { exclusiveHoldersGiveEacces } from '../base/platform';
import { portsTaken, type WantedAddress } from '../inspection/port-holders';

function addressIn(error: unknown): string | undefined {
  if (!(error instanceof Error && 'address' in error)) return undefined;
  return typeof error.address === 'string' ? error.address : undefined;
}

/** The ports that were asked for and could not be bound, each once. */
export class RefusedPorts {
  readonly #at: readonly [WantedAddress, ...WantedAddress[]];
  readonly #taken = new Set<number>();
  readonly #denied = new Map<number, unknown>();
  /** The address that the first of those was refused at that somebody has. */
  #address: string | undefined;

  /** @param at the addresses that each of them was to be bound to */
  constructor(at: readonly [WantedAddress, ...WantedAddress[]]) {
    this.#at = at;
  }

  /** @param error bind's EADDRINUSE or EACCES */
  add(port: number, error: unknown): void {
    if (isSystemError(error, EACCES)) this.#denied.set(port, error);
    else {
      this.#taken.add(port);
      this.#address ??= addressIn(error);
    }
  }

  get size(): number {
    return this.#taken.size + this.#denied.size;
  }

  /** Those that somebody has, who may give them up; not those that need a privilege. */
  get taken(): number[] {
    return [...this.#taken, ...(exclusiveHoldersGiveEacces ? this.#denied.keys() : [])];
  }

  /** Why none of them was had: EADDRINUSE, or EACCES when that is what bind said of all of them. */
  error(): unknown {
    if (this.#taken.size > 0) return portsTaken(this.#at, [...this.#taken], this.#address);
    const [denied] = this.#denied.values();
    return denied;
  }
}
