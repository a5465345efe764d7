import { ipVersion } from '../base/addresses';

/** What every command is made of; `main.ts` lists them. */
export interface Command {
  /** The whole of `--help`. */
  readonly help: string;
  /**
   * Does the work.
   *
   * @param args what stands after the command's name
   * @returns the exit status: 0 done, 1 the answer is no, 2 bad use
   */
  run(args: readonly string[]): Promise<number>;
}

/** Bad use of the command line: the message and where to read on are printed, the exit status is 2. */
export class UsageError extends Error {}

/** The number in an option. */
export function wholeNumber(option: string, given: string, min: number, max: number): number {
  const value = Number(given);
  if (/^\d+$/.test(given) && value >= min && value <= max) return value;
  throw new UsageError(`${option} must be a whole number of ${min} to ${max}, not '${given}'`);
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

export function printHelp({ help }: Command): number {
  process.stdout.write(help);
  return 0;
}
