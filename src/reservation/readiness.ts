import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { covers, HOST, HOSTv6, isWildcard, WILDCARDv6 } from '../base/addresses';
import { debug, debugging } from '../base/debug';
import { stateError } from '../base/errors';
import { abortSignal, integer, object } from '../base/validate';
import { type Hold, holdAddress } from './strategies/hold';

export interface ReadyOptions {
  /** Milliseconds, 1 to 2^31 - 1; 30,000 by default. */
  timeout?: number;
  /** Ends the wait. */
  signal?: AbortSignal;
}

const DEFAULT_TIMEOUT = 30_000;
const MAX_TIMEOUT = 0x7fffffff;

/** Milliseconds between two looks: the first, the factor, the last. */
const FIRST_PAUSE = 2;
const GROWTH = 1.5;
const LONGEST_PAUSE = 200;

/** What ends a wait with an error. */
export interface WaitFailures {
  /** Why nobody can listen as things are. Asked at the start and at each `recheck`; ends the wait at once. */
  whyNobodyCan(): Error | undefined;
  /** Why nobody is going to listen. Asked before each look; ends the wait when that look finds nobody. */
  whyNobodyWill(): Error | undefined;
}

interface Wait {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

export function checkReadyOptions(options: ReadyOptions): Wait {
  const { timeout = DEFAULT_TIMEOUT, signal } = object('options', options);
  integer('options.timeout', timeout, 1, MAX_TIMEOUT);
  abortSignal('options.signal', signal);
  return { timeout, signal };
}

/** The waits for somebody to listen on a port. */
export class Readiness {
  readonly #port: number;
  readonly #checks = new Set<() => void>();

  constructor(port: number) {
    this.#port = port;
  }

  /** To be called when what `whyNobodyCan` answers may have changed. */
  recheck(): void {
    for (const check of this.#checks) check();
  }

  /**
   * Waits until somebody listens on one of the holds.
   *
   * @returns the address to connect to
   * @throws (rejects) what `failures` tell, the signal's reason, or Error `ERR_RESERVATION_TIMEOUT`
   */
  async wait(
    holds: readonly Hold[],
    { timeout, signal }: Wait,
    failures: WaitFailures,
  ): Promise<string> {
    const probes = holds.flatMap(probesOf);
    const stop = new AbortController();
    const end = (reason: unknown) => stop.abort(reason);
    const onAbort = () => end(signal?.reason);
    const check = () => {
      const failure = failures.whyNobodyCan();
      if (failure) end(failure);
    };
    const timer = setTimeout(() => {
      const message = `Nobody listened on port ${this.#port} within ${timeout} ms`;
      end(stateError('ERR_RESERVATION_TIMEOUT', message));
    }, timeout);
    this.#checks.add(check);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted) onAbort();
      check();
      const found = await firstListening(this.#port, probes, stop.signal, failures);
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

/**
 * Resolves with the first of the addresses on which somebody listens, or with undefined when the signal
 * aborts. No event tells when another process listens, so it looks: at once, then after pauses that grow
 * from 2 to 200 ms. That finds a program within half again of the time that it took to start, with five
 * looks a second at the most.
 */
async function firstListening(
  port: number,
  probes: readonly Probe[],
  signal: AbortSignal,
  { whyNobodyWill }: WaitFailures,
): Promise<string | undefined> {
  for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * GROWTH, LONGEST_PAUSE)) {
    // Before the look: a program that ends may have started another one that listens by then.
    const failure = whyNobodyWill();
    for (const probe of probes) {
      const found = await probe.someoneListens(signal);
      if (signal.aborted) return undefined;
      if (debugging)
        debug('port %d: %s on %s', port, found ? 'a listener' : 'nobody', probe.address);
      if (found) return probe.address;
    }
    if (failure) throw failure;
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
