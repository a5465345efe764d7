import { constants as osConstants } from 'node:os';
import { getSystemErrorMap, getSystemErrorName, inspect } from 'node:util';

/** A failed system call, with the properties of Node's own system errors. */
export interface SystemError extends Error {
  /** The error's name, such as `'EADDRINUSE'`. */
  code: string;
  /** libuv's negative error number, such as -98 for EADDRINUSE on Linux. */
  errno: number;
  /** The system call that failed, such as `'bind'`. */
  syscall: string;
  /** The address that the call was about, if any. */
  address?: string;
  /** The port that the call was about, if any and not 0. */
  port?: number;
}

/** The codes of this package's own errors: docs/errors.md tells when each comes and what to do. */
export const ownErrorCodes = [
  'ERR_ADDON_NOT_LOADED',
  'ERR_NO_DESCRIPTOR',
  'ERR_RESERVATION_HELD',
  'ERR_RESERVATION_LISTENING',
  'ERR_RESERVATION_PROGRAM_EXITED',
  'ERR_RESERVATION_PROTOCOL',
  'ERR_RESERVATION_RELEASED',
  'ERR_RESERVATION_SHARED',
  'ERR_RESERVATION_TAKEN',
  'ERR_RESERVATION_TIMEOUT',
  'ERR_RESERVATION_UNGUARDED',
  'ERR_SOCKET_HANDLE_ADOPTED',
  'ERR_SOCKET_HANDLE_CLOSED',
  'ERR_SOCKET_HANDLE_OWNED',
  'ERR_SOCKET_HANDLE_SENDING',
  'ERR_SOCKET_NOT_BOUND',
  'ERR_SOCKET_REFUSED',
  'ERR_UNSAFE_SOCKET_OPTION',
  'ERR_UNSUPPORTED_CLUSTER',
  'ERR_UNSUPPORTED_RUNTIME',
] as const;

/** The codes of Node that this package uses in Node's meaning (nodejs.org/api/errors.html). */
export const nodeErrorCodes = [
  'ERR_DLOPEN_DISABLED',
  'ERR_INVALID_ARG_TYPE',
  'ERR_INVALID_ARG_VALUE',
  'ERR_IPC_CHANNEL_CLOSED',
  'ERR_OUT_OF_RANGE',
  'ERR_SERVER_ALREADY_LISTEN',
  'ERR_SERVER_NOT_RUNNING',
  'ERR_SOCKET_ALREADY_BOUND',
  'ERR_SOCKET_BAD_TYPE',
  'ERR_SOCKET_DGRAM_NOT_RUNNING',
] as const;

/** Every code that an error of this package can have, but for those of system errors. */
export type ErrorCode = (typeof ownErrorCodes)[number] | (typeof nodeErrorCodes)[number];

/** An error of this package that is no system error and no argument error. */
export interface CodedError extends Error {
  code: string;
}

export interface ErrorContext {
  address?: string;
  port?: number;
  /** What the call was about when it was no address, such as an option's name. */
  subject?: string;
  /** The cause in words, where the code alone would mislead. */
  explanation?: string;
}

/** The error's name. Some that sockets give (EDOM, ENOTUNIQ) libuv does not know, but the C library does. */
function errorName(errno: number): string {
  const name = getSystemErrorName(errno);
  if (/^E[A-Z0-9]+$/.test(name)) return name;
  const found = Object.entries(osConstants.errno).find(([, value]) => value === -errno);
  return found?.[0] ?? name;
}

/** libuv's numbers by the errors' names, which differ between platforms. */
const errorNumbers = new Map<string, number>();
for (const [errno, [name]] of getSystemErrorMap()) errorNumbers.set(name, errno);

function errorNumber(name: string): number {
  const errno = errorNumbers.get(name);
  if (errno === undefined) throw new Error(`libuv knows no error ${name}`);
  return errno;
}

export const EACCES = errorNumber('EACCES');
export const EADDRINUSE = errorNumber('EADDRINUSE');
export const EADDRNOTAVAIL = errorNumber('EADDRNOTAVAIL');
export const EAFNOSUPPORT = errorNumber('EAFNOSUPPORT');
export const EBADF = errorNumber('EBADF');
export const EMFILE = errorNumber('EMFILE');
export const ENFILE = errorNumber('ENFILE');
export const EEXIST = errorNumber('EEXIST');
export const EINVAL = errorNumber('EINVAL');
export const ENODEV = errorNumber('ENODEV');
export const ENOENT = errorNumber('ENOENT');
export const ENOPROTOOPT = errorNumber('ENOPROTOOPT');
export const ERANGE = errorNumber('ERANGE');
export const ENOSYS = errorNumber('ENOSYS');
export const ENOTCONN = errorNumber('ENOTCONN');
export const ENOTSUP = errorNumber('ENOTSUP');
export const EPERM = errorNumber('EPERM');
export const ESRCH = errorNumber('ESRCH');
/** libuv has no name for it, and Windows has none at all: there it is 0, no error. */
export const ESTALE = -(osConstants.errno.ESTALE ?? 0);

/** A failed system call in words, for a sentence of another error's message. */
export function describeFailure(syscall: string, errno: number): string {
  return `${syscall} ${errorName(errno)} (${getSystemErrorMap().get(errno)?.[1] ?? 'unknown error'})`;
}

/** Whether `error` is a failed system call with one of these error numbers. */
export function isSystemError(error: unknown, ...errnos: number[]): boolean {
  return (
    error instanceof Error &&
    'errno' in error &&
    typeof error.errno === 'number' &&
    errnos.includes(error.errno)
  );
}

/** Message and properties as Node makes them: `bind EADDRINUSE 127.0.0.1:8080`. */
export function systemError(
  errno: number,
  syscall: string,
  { address, port, subject, explanation }: ErrorContext = {},
): SystemError {
  const code = errorName(errno);
  let message = `${syscall} ${code}`;
  if (address !== undefined) message += port ? ` ${address}:${port}` : ` ${address}`;
  if (subject !== undefined) message += ` ${subject}`;
  if (explanation !== undefined) message += `: ${explanation}`;
  return Object.assign(new Error(message), {
    errno,
    code,
    syscall,
    ...(address !== undefined && { address }),
    ...(port ? { port } : {}),
  });
}

/** The value as Node's argument errors show it. */
function received(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') {
    const name = value.constructor?.name;
    return name ? `an instance of ${name}` : inspect(value, { depth: -1 });
  }
  const shown = inspect(value);
  return `type ${typeof value} (${shown.length > 28 ? `${shown.slice(0, 25)}...` : shown})`;
}

function withCode<Kind extends Error>(code: ErrorCode, error: Kind): Kind & CodedError {
  return Object.assign(error, { code });
}

export function invalidArgType(
  name: string,
  expected: string,
  value: unknown,
): TypeError & CodedError {
  return withCode(
    'ERR_INVALID_ARG_TYPE',
    new TypeError(`The "${name}" argument must be ${expected}. Received ${received(value)}`),
  );
}

export function invalidArgValue(
  name: string,
  reason: string,
  value: unknown,
): TypeError & CodedError {
  return withCode(
    'ERR_INVALID_ARG_VALUE',
    new TypeError(`The argument '${name}' ${reason}. Received ${inspect(value)}`),
  );
}

export function outOfRange(name: string, range: string, value: unknown): RangeError & CodedError {
  return withCode(
    'ERR_OUT_OF_RANGE',
    new RangeError(
      `The value of "${name}" is out of range. It must be ${range}. Received ${inspect(value)}`,
    ),
  );
}

/** An error in the state of one of this package's objects, or of a Node object handed to it. */
export function stateError(code: ErrorCode, message: string): CodedError {
  return withCode(code, new Error(message));
}

/** A process listens on a reserved port that is not the one it was shared for. */
export interface ReservationTakenError extends CodedError {
  code: 'ERR_RESERVATION_TAKEN';
  /** The reserved port. */
  port: number;
  /** The process that listens. */
  pid: number;
  /** Its command line; its name where that can't be read. */
  command: string;
}

/** `shown` is the command without what a terminal would obey. */
export function reservationTaken(
  port: number,
  address: string,
  { pid, command, shown }: { pid: number; command: string; shown: string },
): ReservationTakenError {
  const message =
    `Process ${pid} (${shown}) listens on ${address} at the shared port ${port}, ` +
    'and does not descend from the program that it is for';
  const code = 'ERR_RESERVATION_TAKEN' satisfies ErrorCode;
  return Object.assign(new Error(message), { code, port, pid, command } as const);
}

/**
 * A TCP/IPv4 socket has an option set that lets other sockets share its port: thrown by `bindPort`
 * before it binds anything.
 */
export class UnsafeOptionError extends Error {
  readonly code = 'ERR_UNSAFE_SOCKET_OPTION' satisfies ErrorCode;
  /** The option that is set. */
  readonly option: 'SO_REUSEADDR' | 'SO_REUSEPORT';

  constructor(option: 'SO_REUSEADDR' | 'SO_REUSEPORT') {
    super(
      `${option} is set on a TCP/IPv4 socket: another socket could share the port. Clear the option before binding.`,
    );
    this.name = 'UnsafeOptionError';
    this.option = option;
  }
}
