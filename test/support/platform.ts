import type { TestOptions } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Why the test does not run here; the JSON reporter shows it. */
    reason?: string;
  }
}

export const isWindows = process.platform === 'win32';
export const isLinux = process.platform === 'linux';
/** Windows programs see Wine's own variables. Wine refuses or invents some answers of Windows'. */
export const isWine = isWindows && process.env.WINEPREFIX !== undefined;

/** The addon is built for AddressSanitizer: scripts/check/sanitizers-test.mjs. */
export const isSanitized = process.env.ASAN_OPTIONS !== undefined;

/** For the other kinds of condition: `reason` says what is missing where it does not run. */
export function runWhen(here: boolean, reason: string): TestOptions {
  return here ? {} : { skip: true, meta: { reason } };
}

/** Options of a test or suite that can't run on Windows: `reason` says what Windows lacks. */
export function unixOnly(reason: string): TestOptions {
  return runWhen(!isWindows, reason);
}

/** Options of a test or suite about Linux alone: `reason` says what others lack. */
export function linuxOnly(reason: string): TestOptions {
  return runWhen(isLinux, reason);
}

/** Options of a test or suite about Windows alone: `reason` says what others lack. */
export function windowsOnly(reason: string): TestOptions {
  return runWhen(isWindows, reason);
}

/** Options of a test that runs on Windows, but not in Wine: `reason` says what Wine lacks. */
export function notInWine(reason: string): TestOptions {
  return runWhen(!isWine, reason);
}
