// The package as users get it: the tarball, and empty projects that have it installed.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildMissing } from '../build/cross-build.mjs';
import { targetNames } from '../build/targets.mjs';
import { must, root } from '../project.mjs';

/** Packs what dist/ and prebuilds/ have, binaries of every platform included: npm's own account, and `path`. */
export const pack = () => {
  buildMissing(targetNames([]));
  must(process.execPath, ['scripts/check/prebuilds.mjs']);
  const folder = join(root, '.cache/packed');
  mkdirSync(folder, { recursive: true });
  // prepack and prepare have been run: the check above, and whoever built dist/.
  const [packed] = JSON.parse(
    must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]),
  );
  return { ...packed, path: join(folder, packed.filename) };
};

/** A folder that ends with this program and lies outside the project, whose modules nothing in it finds. */
export const emptyFolder = (manifest = { private: true }) => {
  const folder = mkdtempSync(join(tmpdir(), 'bindport-user-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  return folder;
};

/** An empty project after `npm install` of the tarball, and of `others`. */
export const installed = ({ path }, { flags = [], others = [] } = {}) => {
  const folder = emptyFolder();
  const always = ['--prefer-offline', '--no-audit', '--no-fund'];
  must('npm', ['install', ...always, ...flags, path, ...others], { cwd: folder });
  return folder;
};
