// What bindport is compared with: other packages, from npm, and programs that are built here.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fetched } from '../scripts/check/fetched.mjs';
import { must, require, root } from '../scripts/project.mjs';

const packages = {
  'detect-port': '2.1.0',
  'get-port': '7.2.0',
  koffi: '3.3.4',
  portfinder: '1.0.38',
  sockopt: '2.0.1',
};

const headers = () => `-I${require('node-api-headers').include_dir}`;

/** npm compiles sockopt when it installs it: the binary that it ships for Linux is one for macOS. */
function compileSockopt(modules) {
  const folder = join(modules, 'sockopt/build/Release');
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  const flags = ['-O2', '-shared', '-fPIC', headers(), `-I${join(modules, 'node-addon-api')}`];
  const source = join(modules, 'sockopt/lib/sockopt.cc');
  must('c++', [...flags, '-o', join(folder, 'sockopt.node'), source]);
}

/** The folder whose node_modules has the other packages. */
export function rivals() {
  const folder = fetched('rivals', packages);
  compileSockopt(join(folder, 'node_modules'));
  return folder;
}

/** A C source of bench/workers, compiled into a folder. */
export function compiled(name, folder, flags = []) {
  const file = join(folder, `${name}${flags.includes('-shared') ? '.node' : ''}`);
  const source = join(root, 'bench/workers', `${name}.c`);
  must('cc', ['-O2', ...flags, '-o', file, source]);
  return file;
}

/** The bare addon. */
export const floorAddon = (folder) => compiled('floor', folder, ['-shared', '-fPIC', headers()]);
