import { spawnSync } from 'node:child_process';

/** What a test needs of the machine beyond Node, and the Debian package that has it. */
export interface Tool {
  what: string;
  /** A command that succeeds where it is there. */
  probe: readonly [string, ...string[]];
  package: string;
}

function isThere({ probe: [command, ...args] }: Tool): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function install(missing: readonly Tool[]): void {
  const names = missing.map((tool) => tool.package);
  for (const args of [
    ['update', '-q'],
    ['install', '-y', '-q', ...names],
  ]) {
    spawnSync('apt-get', args, { stdio: 'inherit' });
  }
}

/** Installs what is missing (as root, on Debian and its kin), or fails with its names: never skips. */
export function requireTools(tools: readonly Tool[]): void {
  const missing = tools.filter((tool) => !isThere(tool));
  if (missing.length === 0) return;
  if (process.getuid?.() === 0) install(missing);
  const still = missing.filter((tool) => !isThere(tool));
  if (still.length === 0) return;
  const list = still.map((tool) => `${tool.what} (Debian: ${tool.package})`).join(', ');
  throw new Error(`These tests need ${list}`);
}
