// Packs the package with this platform's prebuilt addon, installs the tarball elsewhere as a user would,
// scripts allowed, and uses it: nothing may be compiled or run at install time.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../build/cross-build.mjs';
import { fail, must } from '../project.mjs';

const USE =
  'const port = findUnusedPort(); if (!(port > 0)) throw new Error(port); console.log(port);';
const uses = {
  'require()': ['--eval', `const { findUnusedPort } = require('bindport'); ${USE}`],
  import: ['--input-type=module', '--eval', `import { findUnusedPort } from 'bindport'; ${USE}`],
};

build(`${process.platform}-${process.arch}`);
const folder = mkdtempSync(join(tmpdir(), 'bindport-package-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const [{ filename, size, files }] = JSON.parse(
  must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]),
);
console.log(`${filename}: ${files.length} files, ${Math.round(size / 1024)} KB`);
writeFileSync(join(folder, 'package.json'), '{ "private": true }');
must('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${filename}`], {
  cwd: folder,
});

const installed = join(folder, 'node_modules/bindport');
const { scripts, dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
for (const name of ['preinstall', 'install', 'postinstall']) {
  if (scripts[name]) fail(`the package has a script ${name}`);
}
if (existsSync(join(installed, 'build'))) fail('installing the package compiled it');
if (Object.keys(dependencies).join() !== 'node-gyp-build') {
  fail(`the package depends on ${Object.keys(dependencies)}`);
}
for (const [how, args] of Object.entries(uses)) {
  console.log(`${how}: port ${must(process.execPath, args, { cwd: folder })}`);
}
