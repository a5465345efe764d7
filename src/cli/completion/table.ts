import type { Operand, Option, Options } from '../command';

/** A command as a shell completes it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: Options;
  readonly operand?: Operand | undefined;
}

/** All that a script is made of. */
export interface CompletionTable {
  readonly commands: readonly CompletedCommand[];
  /** Those that stand in the place of a command. */
  readonly options: Options;
}

/** `--number` and `-n`, as they are typed. */
export function spellings(name: string, { short }: Option): string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
}

/** Every spelling of the options for which `is` holds. */
export function spelled(options: Options, is: (option: Option) => boolean = () => true): string[] {
  return Object.entries(options).flatMap(([name, option]) =>
    is(option) ? spellings(name, option) : [],
  );
}

export const takesValue = ({ type }: Option): boolean => type === 'string';

/** The first part of what an option does: a shell shows one line. */
export function gist({ about }: Option): string {
  return about.split(/[:;] |\. /, 1)[0] ?? about;
}

/** In the single quotes of bash and zsh. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
