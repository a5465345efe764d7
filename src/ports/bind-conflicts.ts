import { constants } from '../base/constants';
import { EACCES, EADDRINUSE, invalidArgType, invalidArgValue, isSystemError } from '../base/errors';
import { object } from '../base/validate';
import { socketOptions } from '../options/socket-options';
import { SocketHandle } from '../socket/socket-handle';

/** The options whose conflicts are measured, each alone; `default` sets none. */
export type ConflictOption = 'default' | 'SO_REUSEADDR' | 'SO_REUSEPORT' | 'SO_EXCLUSIVEADDRUSE';
export type ConflictAddress = 'wildcard' | 'specific';

/** `'Success'`, or the code of the second bind's error, such as `'EADDRINUSE'`. */
export type ConflictResult = string;

/**
 * `table[first option][first address][second option][second address]` is what the second bind to the
 * same port gets: the form of Microsoft's table in "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE".
 * Options that the platform lacks have no rows.
 */
export type ConflictTable = {
  [First in ConflictOption]?: Record<
    ConflictAddress,
    { [Second in ConflictOption]?: Record<ConflictAddress, ConflictResult> }
  >;
};

export interface BindConflictsOptions {
  /** `'tcp'` (the default) or `'udp'`. */
  protocol?: 'tcp' | 'udp';
  /** 4 (the default) or 6. */
  ipVersion?: 4 | 6;
  /** Whether the first socket listens when the second binds; false by default. TCP only. */
  listening?: boolean;
}

interface Measurement {
  family: number;
  type: number;
  listening: boolean;
}

const ADDRESSES = ['wildcard', 'specific'] as const;

const OPTIONS: readonly ConflictOption[] = [
  'default',
  ...(['SO_REUSEADDR', 'SO_REUSEPORT', 'SO_EXCLUSIVEADDRUSE'] as const).filter((name) =>
    socketOptions.has(name),
  ),
];

/** How often another port is tried when a program takes the chosen one before it is bound. */
const ATTEMPTS = 20;

function hostOf(address: ConflictAddress): string {
  return address === 'wildcard' ? '' : 'localhost';
}

function open({ family, type }: Measurement, option: ConflictOption): SocketHandle {
  const socket = new SocketHandle(family, type);
  if (option !== 'default') socket.setOption(option, true);
  return socket;
}

/** A port that is free on every address, so that only our first socket can refuse the second bind. */
function portFreeEverywhere(measurement: Measurement): number {
  const probe = open(measurement, 'default');
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
    const socket = open(measurement, option);
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
  measurement: Measurement,
  option: ConflictOption,
  address: ConflictAddress,
  port: number,
): ConflictResult {
  const socket = open(measurement, option);
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

/**
 * Measures on this machine what a second bind to a port gets, for every pair of options and of
 * addresses (the wildcard, the loopback address): with real sockets on ephemeral ports, closed again.
 *
 * @param options protocol, ipVersion, and whether the first socket listens
 * @returns the table
 * @throws (rejects) TypeError for wrong options; SystemError when a socket can't be opened
 */
export async function bindConflicts(options: BindConflictsOptions = {}): Promise<ConflictTable> {
  const { protocol = 'tcp', ipVersion = 4, listening = false } = object('options', options);
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw invalidArgValue('options.protocol', "must be 'tcp' or 'udp'", protocol);
  }
  if (ipVersion !== 4 && ipVersion !== 6) {
    throw invalidArgValue('options.ipVersion', 'must be 4 or 6', ipVersion);
  }
  if (typeof listening !== 'boolean') {
    throw invalidArgType('options.listening', 'of type boolean', listening);
  }
  if (listening && protocol === 'udp') {
    throw invalidArgValue(
      'options.listening',
      'must be false for UDP, which does not listen',
      true,
    );
  }
  const measurement = {
    family: ipVersion === 4 ? constants.AF_INET : constants.AF_INET6,
    type: protocol === 'tcp' ? constants.SOCK_STREAM : constants.SOCK_DGRAM,
    listening,
  };
  const table: ConflictTable = {};
  for (const first of OPTIONS) {
    table[first] = perAddress((firstAddress) => {
      const row: { [Second in ConflictOption]?: Record<ConflictAddress, ConflictResult> } = {};
      for (const second of OPTIONS) {
        row[second] = perAddress((secondAddress) =>
          measure(measurement, [first, firstAddress], [second, secondAddress]),
        );
      }
      return row;
    });
  }
  return table;
}
