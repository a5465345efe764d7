import { EACCES, EADDRINUSE, invalidArgValue } from '../base/errors';
import { boolean, object } from '../base/validate';
import { TAKEN } from '../socket/bind';
import { checkPreferred, excludedPorts, isIterable } from './candidates';
import { type ReservedHosts, reservedHosts } from './hosts';
import type { RefusedPorts } from './refused-ports';
import { type HoldAddress, holdAddress } from './strategies/hold';
import {
  defaultStrategy,
  isStrategy,
  type Strategy,
  strategies,
  tcpStrategies,
  UDP_STRATEGY,
} from './strategies/table';

export interface ReserveOptions {
  /**
   * A numeric address, or `'localhost'`: both loopback addresses, on one number; or several of them.
   * `'::'` takes IPv4 too. Without it the TCP port is kept on every address, a server of this process
   * listens on 127.0.0.1, and a UDP port is on 127.0.0.1.
   */
  host?: string | readonly string[];
  /**
   * The port, or the ports in this order, to take if they are free: 1 to 65535, or 0 for any. An
   * iterable is read as far as needed; those in it that need a privilege are passed over. When none is
   * free, any port is taken, unless `strict` is on.
   */
  port?: number | Iterable<number>;
  /**
   * Whether to take no port but those of `port`, which must be given then; false by default. When none of them is
   * free, it is an error that names those who have them.
   */
  strict?: boolean;
  /** Ports never to take, 1 to 65535: neither a preferred one nor any other. */
  exclude?: Iterable<number>;
  /** `'tcp'` by default; `'both'` takes both on one number. */
  protocol?: 'tcp' | 'udp' | 'both';
  /** How to keep a TCP port for other programs; what this platform can do by default. */
  strategy?: Strategy;
}

/** The options, checked, as what to open. */
export interface Plan {
  readonly preferred: unknown;
  /** Whether no port is taken but the preferred ones. */
  readonly strict: boolean;
  readonly strategy: Strategy;
  readonly hosts: ReservedHosts;
  readonly at: readonly [HoldAddress, ...HoldAddress[]];
  readonly exclude: ReadonlySet<number>;
  /** The errors of bind(2) after which the next port is tried. */
  readonly refusals: readonly number[];
  /** Gets the ports that are refused. */
  readonly refused?: RefusedPorts;
}

/** @param isStrict whether `strict` is on without being asked for */
export function planOf(options: ReserveOptions, isStrict = false): Plan {
  const {
    host,
    port,
    strict = false,
    exclude,
    protocol = 'tcp',
    strategy = defaultStrategy,
  } = object('options', options);
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'both') {
    throw invalidArgValue('options.protocol', "must be 'tcp', 'udp' or 'both'", protocol);
  }
  if (!isStrategy(strategy)) {
    throw invalidArgValue('options.strategy', `must be one of ${strategies.join(', ')}`, strategy);
  }
  checkPreferred(port);
  boolean('options.strict', strict);
  const exact = strict || isStrict;
  if (exact && port === undefined) {
    throw invalidArgValue('options.port', 'must be given where no other is wanted', port);
  }
  const hosts = reservedHosts(host, tcpStrategies[strategy]);
  const tcp = protocol === 'udp' ? [] : hosts.tcp.map((address) => holdAddress('tcp', address));
  const udp = protocol === 'tcp' ? [] : hosts.udp.map((address) => holdAddress('udp', address));
  const [first, ...others] = [...tcp, ...udp];
  if (first === undefined) throw invalidArgValue('options.host', 'must not be empty', host);
  return {
    preferred: port,
    strict: exact,
    strategy: protocol === 'udp' ? UDP_STRATEGY : strategy,
    hosts,
    at: [first, ...others],
    exclude: excludedPorts(exclude),
    // Of a list any will do: those that need a privilege are passed over. A port that was asked for alone is not.
    refusals: isIterable(port) ? [EADDRINUSE, EACCES] : TAKEN,
  };
}
