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

export function printHelp({ help }: Command): number {
  process.stdout.write(help);
  return 0;
}
