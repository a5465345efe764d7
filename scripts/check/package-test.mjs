// Is the package what it should be? Packs it, reads it with publint and attw, installs the tarball elsewhere as a user
// would, scripts allowed, and uses it: nothing may be compiled or run at install time.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { fail, must, require } from '../project.mjs';
import { installed, pack } from './packed.mjs';

const MOST_BYTES = 1_500_000;
const USE =
  'const port = findUnusedPort(); if (!(port > 0)) throw new Error(port); console.log(port);';
const uses = {
  'require()': ['--eval', `const { findUnusedPort } = require('bindport'); ${USE}`],
  import: ['--input-type=module', '--eval', `import { findUnusedPort } from 'bindport'; ${USE}`],
  'bindport/get-port': [
    '--input-type=module',
    '--eval',
    "import getPort from 'bindport/get-port'; console.log(await getPort());",
  ],
  // The launcher is there, and a program still.
  "pass: 'guarded'": [
    '--eval',
    `using_(require('bindport').reservePort());
     function using_(reservation) {
       reservation.spawn('printenv', ['PORT'], { pass: 'guarded', stdio: 'inherit' })
         .once('exit', (code) => { process.exitCode = code; reservation.release(); });
     }`,
  ],
};

const tarball = pack();
const { filename, size, files, path } = tarball;
console.log(`${filename}: ${files.length} files, ${Math.round(size / 1000)} kB`);
if (size > MOST_BYTES) fail(`the package has ${size} bytes, more than ${MOST_BYTES}`);

const { messages, pkg } = await publint({ pack: { tarball: readFileSync(path) }, strict: true });
if (messages.length > 0)
  fail(messages.map((it) => `publint: ${formatMessage(it, pkg)}`).join('\n'));
const attw = join(dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist/index.js');
// Exits with 1 when types are wrong for node10, node16 (from CommonJS or modules) or bundlers.
must(process.execPath, [attw, '--no-color', '--format', 'ascii', path], { what: 'attw' });

const folder = installed(tarball);
const module = join(folder, 'node_modules/bindport');
const { scripts, dependencies } = JSON.parse(readFileSync(join(module, 'package.json'), 'utf8'));
for (const name of ['preinstall', 'install', 'postinstall']) {
  if (scripts[name]) fail(`the package has a script ${name}`);
}
if (existsSync(join(module, 'build'))) fail('installing the package compiled it');
if (Object.keys(dependencies).join() !== 'node-addon-api') {
  fail(`the package depends on ${Object.keys(dependencies)}`);
}

const broken = files
  .map((file) => file.path)
  .filter((file) => file.endsWith('.md'))
  .flatMap((file) => {
    const text = readFileSync(join(module, file), 'utf8').replace(/^```.*?^```/gms, '');
    const links = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, link]) => link);
    return links
      .filter((link) => !/^[a-z]+:/.test(link))
      .map((link) => resolve(module, dirname(file), link))
      .filter((target) => !existsSync(target))
      .map((target) => `${file} links to ${relative(module, target)}, which the package lacks`);
  });
if (broken.length > 0) fail(broken.join('\n'));

for (const [how, args] of Object.entries(uses)) {
  console.log(`${how}: port ${must(process.execPath, args, { cwd: folder })}`);
}
