import { ipVersion } from '../base/addresses';
import { paragraph } from './layout';

/** An option: parseArgs takes the first four, the help and the completion of a shell all but `default`. */
export interface Option {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  readonly multiple?: boolean;
  readonly default?: boolean | string;
  /** What the value is called in the help: `'MS'`. */
  readonly value?: string;
  /** Values that a shell is to offer. */
  readonly offers?: readonly string[];
  /** What it does, in one paragraph. Its first part, to a colon, semicolon or full stop, has to do alone. */
  readonly about: string;
}

/** By the long names, in the order of the help. */
export type Options = Readonly<Record<string, Option>>;

/** What a shell is to offer where no option stands: these words, or a program with its own arguments. */
export type Operand = readonly string[] | 'program';

/** What every command is made of; `main.ts` lists them. */
export interface Command {
  readonly options: Options;
  readonly operand?: Operand;
  /** The whole of `--help`. */
  help(): string;
  /**
   * Does the work.
   *
   * @param args what stands after the command's name
   * @returns the exit status: 0 done, 1 the answer is no, 2 bad use
   */
  run(args: readonly string[]): Promise<number>;
}

/** The last option of every command. */
export const HELP = {
  type: 'boolean',
  short: 'h',
  default: false,
  about: 'print this',
} as const satisfies Option;

/** What `--host` is often. */
export const HOSTS = ['localhost', '127.0.0.1', '0.0.0.0'] as const;

/** Bad use of the command line: the message and where to read on are printed, the exit status is 2. */
export class UsageError extends Error {}

/** The number in an option. */
export function wholeNumber(option: string, given: string, min: number, max: number): number {
  const value = Number(given);
  if (/^\d+$/.test(given) && value >= min && value <= max) return value;
  throw new UsageError(`${option} must be a whole number of ${min} to ${max}, not '${given}'`);
}

/**
 * The only operand that a command takes.
 *
 * @param question asked where none was given
 * @param rule told where several were
 */
export function onlyOperand(given: readonly string[], question: string, rule: string): string {
  const [only, ...others] = given;
  if (only === undefined) throw new UsageError(question);
  if (others.length > 0) throw new UsageError(`${rule}, not '${given.join(' ')}'`);
  return only;
}

const MAX_PORT = 65535;

/** The ports in `3000` or `3000-3005`, from `min` on. */
export function portsIn(option: string, given: string, min: 0 | 1): number[] {
  const [, first = given, last = first] = /^(\d+)-(\d+)$/.exec(given) ?? [];
  const from = wholeNumber(option, first, min, MAX_PORT);
  const to = wholeNumber(option, last, min, MAX_PORT);
  if (from > to) throw new UsageError(`${option} must be a range upwards, not '${given}'`);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** An option `host` for those of `--host`; none without them. */
export function hostsIn(given: readonly string[] = []): { host?: readonly string[] } {
  for (const host of given) {
    if (host === 'localhost' || ipVersion(host) !== 0) continue;
    throw new UsageError(`--host must be a numeric address or 'localhost', not '${host}'`);
  }
  return given.length > 0 ? { host: given } : {};
}

/** How wide the help is. */
const WIDTH = 100;

/** The part of the help that lists options: names, and what they do in a column of its own. */
export function optionsHelp(options: Options): string {
  const rows = Object.entries(options).map(([long, { short, value, about }]) => {
    const names = `${short === undefined ? '    ' : `-${short}, `}--${long}`;
    return { names: value === undefined ? names : `${names} ${value}`, about };
  });
  const column = Math.max(...rows.map(({ names }) => names.length)) + 2;
  return rows
    .map(({ names, about }) => paragraph(`  ${names.padEnd(column)}`, about, WIDTH))
    .join('');
}

export function printHelp(command: Command): number {
  process.stdout.write(command.help());
  return 0;
}
