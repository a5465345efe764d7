declare module 'cross-spawn/lib/parse.js' {
  import type { SpawnOptions } from 'node:child_process';

  /** What to give to `child_process.spawn`; the same as before but on Windows. */
  interface Parsed {
    command: string;
    args: string[];
    options: SpawnOptions;
    /** The file that was found for the command; absent where it was not looked for, or not found. */
    file?: string | null | undefined;
  }

  export default function parse(
    command: string,
    args: readonly string[],
    options: SpawnOptions,
  ): Parsed;
}
