// Loads a module of src that nobody outside sees, for what documents or measures it.
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { require, root } from '../project.mjs';

/** The exports of a module of src: `base/option-table/index`. */
export function loadSource(module) {
  // As deep as the module that looks for the addon from where it is.
  const outfile = join(root, 'build/source', `${module.replaceAll('/', '-')}.cjs`);
  buildSync({
    entryPoints: [join(root, 'src', `${module}.ts`)],
    bundle: true,
    format: 'cjs',
    outfile,
    packages: 'external',
    platform: 'node',
  });
  return require(outfile);
}
