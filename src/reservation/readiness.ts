import { networkInterfaces } from 'node:os';
import { covers, HOST, HOSTv6, isWildcard, WILDCARDv6 } from '../base/addresses';
import { debug, debugging } from '../base/debug';
import { reservationTaken, stateError } from '../base/errors';
import { bindsUnlistedLoopback } from '../base/platform';
import { abortSignal, integer, MAX_TIMEOUT, object, processId } from '../base/validate';
import { type Listener, listenedAddresses } from './listeners';
import { DEFAULT_TIMEOUT, FIRST_PAUSE, longerPause } from './pauses';
import { type Hold, holdAddress } from './strategies/hold';

export interface ReadyOptions {
  /** Milliseconds, 1 to 2^31 - 1; 30,000 by default. */
  timeout?: number;
  /** Ends the wait. */
  signal?: AbortSignal;
  /**
   * The process that is to listen, itself or by one that descends from it, where something else than `spawn`
   * has started it.
   */
  pid?: number;
}

/** How long a process that is none of ours has listened when the wait ends: it is no program that is ending. */
const PATIENCE = 2_000;

/** Whom a wait is for. */
export interface Awaited {
  /** Who listens on an address on which somebody does. */
  whoListens(address: string): Listener;
  /** Why nobody can listen as things are. Asked at the start and at each `recheck`; ends the wait at once. */
  whyNobodyCan(): Error | undefined;
  /** Why nobody is going to listen. Asked before each look; ends the wait when that look finds none of ours. */
  whyNobodyWill(): Error | undefined;
}

interface Wait {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly pid: number | undefined;
}

export function checkReadyOptions(options: ReadyOptions): Wait {
  const { timeout = DEFAULT_TIMEOUT, signal, pid } = object('options', options);
  integer('options.timeout', timeout, 1, MAX_TIMEOUT);
  abortSignal('options.signal', signal);
  if (pid !== undefined) processId('options.pid', pid);
  return { timeout, signal, pid };
}

/** The waits for somebody to listen on a port. */
export class Readiness {
  readonly #port: number;
  readonly #checks = new Set<() => void>();

  constructor(port: number) {
    this.#port = port;
  }

  /** To be called when what `whyNobodyCan` or `whyNobodyWill` answers may have changed. */
  recheck(): void {
    for (const check of this.#checks) check();
  }

  /**
   * Waits until one of ours listens on one of the holds.
   *
   * @returns the address to connect to
   * @throws (rejects) what `awaited` tells, the signal's reason, or Error `ERR_RESERVATION_TIMEOUT`,
   *   `ERR_RESERVATION_TAKEN`
   */
  async wait(holds: readonly Hold[], { timeout, signal }: Wait, awaited: Awaited): Promise<string> {
    const probes = holds.flatMap(probesOf);
    const all = () => [...probes, ...unlistedProbes(this.#port, holds, probes)];
    const looks = new Looks(this.#port, all, awaited);
    const stop = new AbortController();
    const end = (reason: unknown) => {
      stop.abort(reason);
      looks.wake();
    };
    const onAbort = () => end(signal?.reason);
    const check = () => {
      const failure = awaited.whyNobodyCan();
      if (failure) end(failure);
      else looks.wake();
    };
    const timer = setTimeout(() => {
      const message = `Nobody listened on port ${this.#port} within ${timeout} ms`;
      end(looks.taken ?? stateError('ERR_RESERVATION_TIMEOUT', message));
    }, timeout);
    this.#checks.add(check);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted) onAbort();
      check();
      const found = await looks.untilOneListens(stop.signal);
      if (found === undefined) throw stop.signal.reason;
      return found;
    } finally {
      clearTimeout(timer);
      this.#checks.delete(check);
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

/** An address to look at, and how. */
interface Probe {
  readonly address: string;
  someoneListens(signal: AbortSignal): boolean | Promise<boolean>;
}

function probesOf(hold: Hold): Probe[] {
  return connectAddresses(hold.at.address).map((address) => ({
    address,
    someoneListens: (signal) => hold.someoneListens(holdAddress('tcp', address), signal),
  }));
}

/** Somebody may listen on 127.0.0.5, which no interface lists. */
function unlistedProbes(port: number, holds: readonly Hold[], listed: readonly Probe[]): Probe[] {
  const wildcards = holds.map(({ at }) => at.address).filter(isWildcard);
  if (!bindsUnlistedLoopback || wildcards.length === 0) return [];
  return listenedAddresses(port)
    .filter((address) => wildcards.some((wildcard) => covers(wildcard, address)))
    .filter((address) => !listed.some((probe) => probe.address === address))
    .map((address) => ({ address, someoneListens: () => true }));
}

/** Where somebody may listen who listens on an address, or on one of those that it covers. */
function connectAddresses(address: string): string[] {
  if (!isWildcard(address)) return [address];
  const loopback = address === WILDCARDv6 ? [HOST, HOSTv6] : [HOST];
  return [...new Set([...loopback, ...localAddresses().filter((local) => covers(address, local))])];
}

/** The addresses of this machine's interfaces, where they are told: Android refuses (EACCES). */
function localAddresses(): string[] {
  try {
    return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
      // A link-local one exists once for each interface.
      addresses.map(({ address }) =>
        address.startsWith('fe80:') ? `${address}%${name}` : address,
      ),
    );
  } catch {
    return [];
  }
}

/** The looks of one wait. */
class Looks {
  readonly #port: number;
  readonly #probes: () => readonly Probe[];
  readonly #awaited: Awaited;
  /** Where the last look found a listener without seeing whose it is. */
  #unknown = new Set<string>();
  #wake: (() => void) | undefined;
  /** The stranger that the last look found, and since when each look has found one. */
  #taken: { readonly error: Error; readonly since: number } | undefined;

  constructor(port: number, probes: () => readonly Probe[], awaited: Awaited) {
    this.#port = port;
    this.#probes = probes;
    this.#awaited = awaited;
  }

  /** That the last look found a stranger, as an error. */
  get taken(): Error | undefined {
    return this.#taken?.error;
  }

  /**
   * Resolves with the first of the addresses on which one of ours listens, or with undefined when the signal
   * aborts. No event tells when another process listens, so it looks: at once, then after pauses that grow
   * from 2 to 200 ms, and when a program has ended. That finds a program within half again of the time that it
   * took to start, with five looks a second at the most.
   */
  async untilOneListens(signal: AbortSignal): Promise<string | undefined> {
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      // Before the look: a program that ends may have started another one that listens by then.
      const failure = this.#awaited.whyNobodyWill();
      const found = await this.#look(signal);
      if (found !== undefined || signal.aborted) return found;
      if (this.#unknown.size === 0) {
        const { error, since } = this.#taken ?? {};
        if (failure) throw error ?? failure;
        if (since !== undefined && performance.now() - since >= PATIENCE) throw error;
      }
      await this.#sleep(pause);
      pause = longerPause(pause);
    }
    return undefined;
  }

  /** Ends the pause, if there is one. */
  wake(): void {
    this.#wake?.();
  }

  #sleep(pause: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #look(signal: AbortSignal): Promise<string | undefined> {
    const unknown = new Set<string>();
    let error: Error | undefined;
    for (const { address, someoneListens } of this.#probes()) {
      const found = await someoneListens(signal);
      if (signal.aborted) return undefined;
      const listener = found ? this.#awaited.whoListens(address) : undefined;
      this.#tell(address, listener);
      if (listener === 'ours') return address;
      if (listener === 'unknown') {
        // Twice in a row: a stranger that is ending is listed without its process.
        if (this.#unknown.has(address)) return address;
        unknown.add(address);
      } else if (listener !== undefined) {
        error ??= reservationTaken(this.#port, address, listener);
      }
    }
    this.#unknown = unknown;
    this.#taken = error && { error, since: this.#taken?.since ?? performance.now() };
    return undefined;
  }

  #tell(address: string, listener: Listener | undefined): void {
    if (!debugging) return;
    const who =
      typeof listener === 'object' ? `a stranger, process ${listener.pid},` : 'a listener';
    debug('port %d: %s on %s', this.#port, listener ? who : 'nobody', address);
  }
}
