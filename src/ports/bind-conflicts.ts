import { constants } from '../base/constants';
import { EACCES, EADDRINUSE, invalidArgValue, isSystemError } from '../base/errors';
import { boolean, object } from '../base/validate';
import { setIpv6Only } from '../socket/bind';
import { SocketHandle } from '../socket/socket-handle';

/** The options whose conflicts are measured, each alone; `default` sets none. */
export type ConflictOption = 'default' | 'SO_REUSEADDR' | 'SO_REUSEPORT' | 'SO_EXCLUSIVEADDRUSE';
export type ConflictAddress = 'wildcard' | 'specific';

/** `'Success'`, or the code of the second bind's error, such as `'EADDRINUSE'`. */
export type ConflictResult = string;

/** A value for each option: those that not every platform has may be missing. */
export interface PerConflictOption<Value> {
  default: Value;
  SO_REUSEADDR: Value;
  SO_REUSEPORT?: Value;
  SO_EXCLUSIVEADDRUSE?: Value;
}

/**
 * `table[first option][first address][second option][second address]` is what the second bind to the
 * same port gets: the form of Microsoft's table in "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE".
 * Options that the platform lacks have no rows.
 */
export type ConflictTable = PerConflictOption<
  Record<ConflictAddress, PerConflictOption<Record<ConflictAddress, ConflictResult>>>
>;

export interface BindConflictsOptions {
  /** `'tcp'` (the default) or `'udp'`. */
  protocol?: 'tcp' | 'udp';
  /** 4 (the default) or 6. */
  ipVersion?: 4 | 6;
  /** The second socket's, if another: 4 or 6; by default `ipVersion`. */
  secondIpVersion?: 4 | 6;
  /**
   * IPV6_V6ONLY of the IPv6 sockets, set before they are bound: whether those on `::` leave IPv4 alone.
   * By default what the system gives a new socket: false on Linux (net.ipv6.bindv6only) and macOS, true on
   * Windows. Not with IPv4 alone.
   */
  ipv6Only?: boolean;
  /** Whether the first socket listens when the second binds; false by default. TCP only. */
  listening?: boolean;
}

type IpVersion = 4 | 6;

interface Measurement {
  type: number;
  first: IpVersion;
  second: IpVersion;
  ipv6Only: boolean | undefined;
  listening: boolean;
}

const ADDRESSES = ['wildcard', 'specific'] as const;

const PLATFORM_OPTIONS = (['SO_REUSEPORT', 'SO_EXCLUSIVEADDRUSE'] as const).filter(
  (name) => constants[name] !== undefined,
);

/** How often another port is tried when a program takes the chosen one before it is bound. */
const ATTEMPTS = 20;

function hostOf(address: ConflictAddress): string {
  return address === 'wildcard' ? '' : 'localhost';
}

/** IPV6_V6ONLY does nothing to IPv4 sockets, which have no such option. */
function open(
  type: number,
  version: IpVersion,
  option: ConflictOption,
  ipv6Only: boolean | undefined,
): SocketHandle {
  const socket = new SocketHandle(version === 4 ? constants.AF_INET : constants.AF_INET6, type);
  try {
    if (version === 6 && ipv6Only !== undefined) setIpv6Only(socket.fd, ipv6Only);
    if (option !== 'default') socket.setOption(option, true);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * A port that is free on every address, so that only our first socket can refuse the second bind. Where
 * both IP versions are measured it has to be free for both, whatever `ipv6Only` says.
 */
function portFreeEverywhere({ type, first, second, ipv6Only }: Measurement): number {
  const mixed = first !== second;
  const probe = open(type, mixed ? 6 : first, 'default', mixed ? false : ipv6Only);
  try {
    probe.bind('', 0);
    return probe.address().port;
  } finally {
    probe.close();
  }
}

function bindFirst(
  measurement: Measurement,
  option: ConflictOption,
  address: ConflictAddress,
): SocketHandle {
  for (let attempt = 1; ; attempt++) {
    const { type, first, ipv6Only } = measurement;
    const socket = open(type, first, option, ipv6Only);
    try {
      socket.bind(hostOf(address), portFreeEverywhere(measurement));
      if (measurement.listening) socket.listen();
      return socket;
    } catch (error) {
      socket.close();
      // Windows gives EACCES in place of EADDRINUSE beside an exclusive socket, and to SO_REUSEADDR.
      if (!isSystemError(error, EADDRINUSE, EACCES) || attempt === ATTEMPTS) throw error;
    }
  }
}

function bindSecond(
  { type, second, ipv6Only }: Measurement,
  option: ConflictOption,
  address: ConflictAddress,
  port: number,
): ConflictResult {
  const socket = open(type, second, option, ipv6Only);
  try {
    socket.bind(hostOf(address), port);
    return 'Success';
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  } finally {
    socket.close();
  }
}

/** One cell of the table. Its sockets are closed before it returns. */
function measure(
  measurement: Measurement,
  first: [ConflictOption, ConflictAddress],
  second: [ConflictOption, ConflictAddress],
): ConflictResult {
  const holder = bindFirst(measurement, ...first);
  try {
    return bindSecond(measurement, ...second, holder.address().port);
  } finally {
    holder.close();
  }
}

/** A record with one value for each address. */
function perAddress<Value>(
  value: (address: ConflictAddress) => Value,
): Record<ConflictAddress, Value> {
  const [wildcard, specific] = ADDRESSES;
  return { wildcard: value(wildcard), specific: value(specific) };
}

/** A record with one value for each option that this platform has. */
function perOption<Value>(value: (option: ConflictOption) => Value): PerConflictOption<Value> {
  const record: PerConflictOption<Value> = {
    default: value('default'),
    SO_REUSEADDR: value('SO_REUSEADDR'),
  };
  for (const option of PLATFORM_OPTIONS) record[option] = value(option);
  return record;
}

function checkIpVersion(name: string, value: unknown): void {
  if (value !== 4 && value !== 6) throw invalidArgValue(name, 'must be 4 or 6', value);
}

function measurementOf(options: BindConflictsOptions): Measurement {
  const { protocol = 'tcp', ipVersion = 4, listening = false } = object('options', options);
  const { secondIpVersion = ipVersion, ipv6Only } = options;
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw invalidArgValue('options.protocol', "must be 'tcp' or 'udp'", protocol);
  }
  checkIpVersion('options.ipVersion', ipVersion);
  checkIpVersion('options.secondIpVersion', secondIpVersion);
  boolean('options.listening', listening);
  if (listening && protocol === 'udp') {
    throw invalidArgValue(
      'options.listening',
      'must be false for UDP, which does not listen',
      true,
    );
  }
  if (ipv6Only !== undefined) {
    boolean('options.ipv6Only', ipv6Only);
    if (ipVersion === 4 && secondIpVersion === 4) {
      throw invalidArgValue('options.ipv6Only', 'must be left out where both are IPv4', ipv6Only);
    }
  }
  return {
    type: protocol === 'tcp' ? constants.SOCK_STREAM : constants.SOCK_DGRAM,
    first: ipVersion,
    second: secondIpVersion,
    ipv6Only,
    listening,
  };
}

/**
 * Measures on this machine what a second bind to a port gets, for every pair of options and of
 * addresses (the wildcard, the loopback address): with real sockets on ephemeral ports, closed again.
 *
 * @param options protocol, IP version of each socket, IPV6_V6ONLY, and whether the first socket listens
 * @returns the table
 * @throws (rejects) TypeError for wrong options; SystemError when a socket can't be opened or bound, such
 *   as EAFNOSUPPORT and EADDRNOTAVAIL where there is no IPv6
 */
export async function bindConflicts(options: BindConflictsOptions = {}): Promise<ConflictTable> {
  const measurement = measurementOf(options);
  return perOption((first) =>
    perAddress((firstAddress) =>
      perOption((second) =>
        perAddress((secondAddress) =>
          measure(measurement, [first, firstAddress], [second, secondAddress]),
        ),
      ),
    ),
  );
}
