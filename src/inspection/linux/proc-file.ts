import { readFileSync } from 'node:fs';

/**
 * The text of a file of the kernel's; undefined where it is not shown: the process has ended or is hidden (hidepid),
 * the kernel lacks the part, or a sandbox keeps it back.
 */
export function readProc(path: string, encoding: 'utf8' | 'latin1' = 'utf8'): string | undefined {
  try {
    return readFileSync(path, encoding);
  } catch {
    return undefined;
  }
}
