/** Finds the addon, and loads it. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve, toNamespacedPath } from 'node:path';
import { stateError } from './errors';
import { describeRuntime, prebuiltAddon } from './platform';

/** The package's folder: two above this module, in src as in dist. */
const home = join(__dirname, '../..');

/**
 * The files that may be it, the first choice first. The places are node-gyp-build's, and so is the order: a build
 * of this machine is there because somebody wanted it.
 */
function places(): string[] {
  const prebuilt = join('prebuilds', prebuiltAddon());
  const inFolder = (folder: string) => [
    join(folder, 'build/Release/bindport.node'),
    join(folder, 'build/Debug/bindport.node'),
    join(folder, prebuilt),
  ];
  const given = process.env.BINDPORT_PREBUILD;
  if (given) return inFolder(resolve(given));
  // The last two are for a program that is bundled into one file, or is one executable.
  return [...inFolder(home), join(__dirname, prebuilt), join(dirname(process.execPath), prebuilt)];
}

/** Where the addon was found. */
let found = '';

/** A file that is built and shipped beside the addon. */
export function besideAddon(name: string): string {
  return join(dirname(found), name);
}

/**
 * Loads the addon, by process.dlopen: bundlers replace require() by their own, and a single executable's has no
 * files.
 *
 * @throws Error `ERR_ADDON_NOT_LOADED` that says what was looked for and what to do
 * @throws Error Node's `ERR_DLOPEN_DISABLED` where no addon may be loaded: under `--permission` without
 *   `--allow-addons`, and under `--no-addons`
 */
export function loadAddon(): unknown {
  const looked: string[] = [];
  for (const file of places()) {
    if (!existsSync(file)) {
      looked.push(`${file}: not there`);
      continue;
    }
    const module = { exports: {} };
    try {
      process.dlopen(module, toNamespacedPath(file));
      found = file;
      return module.exports;
    } catch (error) {
      if (!(error instanceof Error) || isDisabled(error)) throw error;
      looked.push(`${file}: ${error.message}`);
    }
  }
  throw stateError(
    'ERR_ADDON_NOT_LOADED',
    `bindport has no binary for ${describeRuntime()}. Looked for:
  ${looked.join('\n  ')}
There are two ways out:
  - build it, with a C++17 compiler and python3: npx node-gyp rebuild --directory "${home}"
  - have another copy of bindport that has one, built or prebuilt: set the environment variable
    BINDPORT_PREBUILD to the folder of that package`,
  );
}

function isDisabled(error: Error): boolean {
  return 'code' in error && error.code === 'ERR_DLOPEN_DISABLED';
}
