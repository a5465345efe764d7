// What every script of the project needs.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');
/** Finds the packages of the project's node_modules. */
export const require = createRequire(join(root, 'package.json'));

/** Ends the program, which has failed. */
export const fail = (message) => {
  console.error(message);
  process.exit(1);
};

/** Runs a program and returns what it printed; that is shown only when it failed, and then this one ends. */
export const must = (command, args, { what = `${command} ${args.join(' ')}`, cwd = root } = {}) => {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0)
    fail([`${what} failed`, error?.message, stdout, stderr].filter(Boolean).join('\n'));
  return stdout.trim();
};
