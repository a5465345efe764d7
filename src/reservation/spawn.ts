import type { ChildProcess, SpawnOptions, StdioOptions } from 'node:child_process';
import parse from 'cross-spawn/lib/parse.js';
import { constants } from '../base/constants';
import { invalidArgType, invalidArgValue } from '../base/errors';
import { node } from '../base/node-modules';
import { socketsAreFiles } from '../base/platform';
import { object, text } from '../base/validate';
import { withMark } from '../inspection/kinship';
import type { SocketHandle } from '../socket/socket-handle';

/**
 * What a program gets: `port` its number; `guarded` its number, and nobody else can bind it; `fd` the sockets
 * themselves, as descriptors 3 and up;
 * `systemd` the same with the variables of systemd's socket activation.
 */
export type PassedAs = 'port' | 'guarded' | 'fd' | 'systemd';

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

const SHELL = '/bin/sh';

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
  argsOrOptions: readonly string[] | SpawnOnPortOptions = [],
  optionsAfterArgs?: SpawnOnPortOptions,
): Launch {
  text('command', command);
  const [args, given = {}] = isOptions(argsOrOptions, optionsAfterArgs)
    ? [[], argsOrOptions]
    : [argsOrOptions, optionsAfterArgs];
  const { pass = 'port', names, ...options } = object('options', given);
  if (!Array.isArray(args)) throw invalidArgType('args', 'an array of strings', args);
  for (const [i, arg] of args.entries()) text(`args[${i}]`, arg);
  const passesSocket = pass === 'fd' || pass === 'systemd';
  if (pass !== 'port' && pass !== 'guarded' && !passesSocket) {
    throw invalidArgValue('options.pass', "must be 'port', 'guarded', 'fd' or 'systemd'", pass);
  }
  if (passesSocket && !socketsAreFiles) {
    throw invalidArgValue('options.pass', "must be 'port' on Windows", pass);
  }
  if (pass === 'systemd' && options.shell) {
    throw invalidArgValue('options.shell', "can't be combined with pass: 'systemd'", options.shell);
  }
  if (names !== undefined) checkNames(names);
  return { command, args, options, pass, names };
}

/** Whether the arguments were left out, as `child_process.spawn` allows. */
function isOptions(
  args: readonly string[] | SpawnOnPortOptions,
  options: SpawnOnPortOptions | undefined,
): args is SpawnOnPortOptions {
  return typeof args === 'object' && args !== null && !Array.isArray(args) && options === undefined;
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

function fill(args: readonly string[], port: number): string[] {
  return args.map((arg) => arg.replaceAll('{port}', String(port)));
}

function variables(given: NodeJS.ProcessEnv = process.env, port: number, mark: string) {
  const all: NodeJS.ProcessEnv = {};
  // Inherited ones too, as child_process has it.
  for (const name in given) all[name] = given[name];
  const env = withMark(all, mark);
  env.PORT = String(port);
  return env;
}

/**
 * Starts the program. The sockets stay the caller's; the program has descriptors of its own.
 *
 * @param mark what it and its descendants are to be recognised by
 */
export function launch(
  { command, args, options, pass, names }: Launch,
  port: number,
  sockets: readonly SocketHandle[],
  mark: string,
): ChildProcess {
  const filled = fill(args, port);
  const env = variables(options.env, port, mark);
  if (pass === 'port') return start(command, filled, { ...options, env });
  const stdio = withDescriptors(options.stdio, sockets);
  if (pass === 'fd') return start(command, filled, { ...options, env, stdio });
  // A program with fewer or more names than sockets refuses them all (sd_listen_fds_with_names).
  if (names && names.length !== sockets.length) {
    throw invalidArgValue('options.names', `must hold ${sockets.length} names`, names);
  }
  env.LISTEN_FDS = String(sockets.length);
  env.LISTEN_FDNAMES = (names ?? sockets.map(nameOf)).join(':');
  return start(SHELL, ['-c', WITH_OWN_PID, command, ...filled], { ...options, env, stdio });
}

/**
 * As `child_process.spawn`, which on Windows starts nothing but programs: there a script (`.cmd`), found by PATHEXT,
 * is run by cmd.exe, with the arguments quoted for it. Of what is not found Node tells itself: cmd.exe would end with
 * a status.
 */
function start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const { spawn } = node.childProcess;
  const parsed = parse(command, args, options);
  return parsed.file
    ? spawn(parsed.command, parsed.args, parsed.options)
    : spawn(command, args, options);
}

/**
 * Starts the program through the launcher, which sends a descriptor over `channel`, and then becomes the
 * program: with its process id, and the descriptors that it would have anyhow.
 */
export function launchGuarded(
  { command, args, options: { shell, argv0, ...options } }: Launch,
  port: number,
  mark: string,
  launcher: string,
  channel: number,
): ChildProcess {
  const filled = fill(args, port);
  // As child_process has it.
  const program = typeof shell === 'string' ? shell : shell ? SHELL : command;
  const programArgs = shell ? ['-c', [command, ...filled].join(' ')] : filled;
  const stdio = atLeastStandard(options.stdio);
  const child = node.childProcess.spawn(
    launcher,
    [String(stdio.length), argv0 ?? program, program, ...programArgs],
    { ...options, env: variables(options.env, port, mark), stdio: [...stdio, channel] },
  );
  return Object.assign(child, {
    spawnfile: program,
    spawnargs: [argv0 ?? program, ...programArgs],
  });
}

function nameOf({ protocol }: SocketHandle): string {
  return protocol === constants.IPPROTO_TCP ? 'tcp' : 'udp';
}

function withDescriptors(
  given: StdioOptions | undefined,
  sockets: readonly SocketHandle[],
): StdioOptions {
  const standard = atLeastStandard(given);
  if (standard.length > FIRST_DESCRIPTOR) {
    throw invalidArgValue(
      'options.stdio',
      'must hold no more than three entries: the sockets come after them',
      given,
    );
  }
  return [...standard, ...sockets.map(({ fd }) => fd)];
}

/** The entries for the three standard descriptors, and those after them that are given. */
function atLeastStandard(given: StdioOptions = 'pipe') {
  const entries = Array.isArray(given) ? given : Array(FIRST_DESCRIPTOR).fill(given);
  return [...entries, ...Array(Math.max(0, FIRST_DESCRIPTOR - entries.length)).fill('pipe')];
}
