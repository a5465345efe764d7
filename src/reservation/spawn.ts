import { type ChildProcess, type SpawnOptions, type StdioOptions, spawn } from 'node:child_process';
import { constants } from '../base/constants';
import { invalidArgType, invalidArgValue } from '../base/errors';
import { socketsAreFiles } from '../base/platform';
import { text } from '../base/validate';
import type { SocketHandle } from '../socket/socket-handle';

/**
 * What a program gets: `port` its number; `fd` the sockets themselves, as descriptors 3 and up;
 * `systemd` the same with the variables of systemd's socket activation.
 */
export type PassedAs = 'port' | 'fd' | 'systemd';

/** As for `child_process.spawn`, which gets all but the two first. */
export interface SpawnOnPortOptions extends SpawnOptions {
  /** What the program gets; `'port'`, its number, by default. */
  pass?: PassedAs;
  /**
   * The names of the sockets for `pass: 'systemd'`, in the order of the descriptors; `'tcp'` and
   * `'udp'` by default. One for each socket, with neither a colon nor a control character.
   */
  names?: readonly string[];
}

/** The first descriptor of socket activation (SD_LISTEN_FDS_START), after the three standard ones. */
const FIRST_DESCRIPTOR = 3;

/** Becomes the program, whose process id is the shell's then. */
const WITH_OWN_PID = 'LISTEN_PID=$$ exec "$0" "$@"';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: SpawnOptions;
  readonly pass: PassedAs;
  readonly names: readonly string[] | undefined;
}

/** Checks what was given to `spawn`, without changing any of it. */
export function checkLaunch(
  command: string,
  args: readonly string[],
  { pass = 'port', names, ...options }: SpawnOnPortOptions,
): Launch {
  text('command', command);
  if (!Array.isArray(args)) throw invalidArgType('args', 'an array of strings', args);
  for (const [i, arg] of args.entries()) text(`args[${i}]`, arg);
  if (pass !== 'port' && pass !== 'fd' && pass !== 'systemd') {
    throw invalidArgValue('options.pass', "must be 'port', 'fd' or 'systemd'", pass);
  }
  if (pass !== 'port' && !socketsAreFiles) {
    throw invalidArgValue('options.pass', "must be 'port' on Windows", pass);
  }
  if (pass === 'systemd' && options.shell) {
    throw invalidArgValue('options.shell', "can't be combined with pass: 'systemd'", options.shell);
  }
  if (names !== undefined) checkNames(names);
  return { command, args, options, pass, names };
}

function checkNames(names: readonly string[]): void {
  if (!Array.isArray(names)) throw invalidArgType('options.names', 'an array of strings', names);
  for (const [i, name] of names.entries()) {
    const bad = [...text(`options.names[${i}]`, name)].some(isNoPartOfName);
    if (bad || name === '') {
      throw invalidArgValue(`options.names[${i}]`, 'must be a word without colons', name);
    }
  }
}

function isNoPartOfName(character: string): boolean {
  return character === ':' || character < ' ' || character === '\x7f';
}

/** Starts the program. The sockets stay the caller's; the program has descriptors of its own. */
export function launch(
  { command, args, options, pass, names }: Launch,
  port: number,
  sockets: readonly SocketHandle[],
): ChildProcess {
  const filled = args.map((arg) => arg.replaceAll('{port}', String(port)));
  const given = options.env ?? process.env;
  const env: NodeJS.ProcessEnv = {};
  // Inherited ones too, as child_process has it.
  for (const name in given) env[name] = given[name];
  env.PORT = String(port);
  if (pass === 'port') return spawn(command, filled, { ...options, env });
  const stdio = withDescriptors(options.stdio, sockets);
  if (pass === 'fd') return spawn(command, filled, { ...options, env, stdio });
  // A program with fewer or more names than sockets refuses them all (sd_listen_fds_with_names).
  if (names && names.length !== sockets.length) {
    throw invalidArgValue('options.names', `must hold ${sockets.length} names`, names);
  }
  env.LISTEN_FDS = String(sockets.length);
  env.LISTEN_FDNAMES = (names ?? sockets.map(nameOf)).join(':');
  return spawn('/bin/sh', ['-c', WITH_OWN_PID, command, ...filled], { ...options, env, stdio });
}

function nameOf({ protocol }: SocketHandle): string {
  return protocol === constants.IPPROTO_TCP ? 'tcp' : 'udp';
}

function withDescriptors(
  given: StdioOptions | undefined,
  sockets: readonly SocketHandle[],
): StdioOptions {
  const standard = Array.isArray(given) ? given : Array(FIRST_DESCRIPTOR).fill(given ?? 'pipe');
  if (standard.length > FIRST_DESCRIPTOR) {
    throw invalidArgValue(
      'options.stdio',
      'must hold no more than three entries: the sockets come after them',
      given,
    );
  }
  const padding = Array(FIRST_DESCRIPTOR - standard.length).fill('pipe');
  return [...standard, ...padding, ...sockets.map(({ fd }) => fd)];
}
