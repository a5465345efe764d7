// Puts the addon that was just built where the prebuilt ones are shipped, if there is none for this platform: npm
// packs what it installs from git, after `prepare`, and build/ is not packed.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../project.mjs';
import { loadSource } from './source.mjs';

const { prebuiltAddon } = loadSource('base/platform');
const file = join(root, 'prebuilds', prebuiltAddon());
if (!existsSync(file)) {
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(join(root, 'build/Release/bindport.node'), file);
}
