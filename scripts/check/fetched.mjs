// Programs that a check needs and that `npm ci` does not bring, from npm: in a folder of .cache, once.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, root } from '../project.mjs';

/** The folder whose node_modules has the `dependencies`, which name their versions exactly. */
export const fetched = (name, dependencies, flags = []) => {
  const folder = join(root, '.cache', name);
  const manifest = JSON.stringify({ private: true, dependencies });
  const installed = join(folder, 'installed.json');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === manifest) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), manifest);
  const always = '--ignore-scripts --no-package-lock --no-audit --no-fund --prefer-offline';
  must('npm', ['install', ...always.split(' '), ...flags], { cwd: folder });
  writeFileSync(installed, manifest);
  return folder;
};
