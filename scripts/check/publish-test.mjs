// Rehearses a release in a fresh clone of the last commit: `npm publish --dry-run` makes all that is published, and
// refuses what must not be.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { digest } from '../build/prebuild-manifest.mjs';
import { fileOf, targets } from '../build/targets.mjs';
import { fail, must, root } from '../project.mjs';

const clone = mkdtempSync(join(tmpdir(), 'bindport-release-'));
process.once('exit', () => rmSync(clone, { recursive: true, force: true }));
must('git', ['clone', '--quiet', '--no-local', '--depth=1', `file://${root}`, clone]);
must('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], {
  cwd: clone,
});

const edit = (name, change) => {
  const path = join(clone, name);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
};

const publish = () => {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync('npm', ['publish', '--dry-run', '--json'], {
    cwd: clone,
    encoding: 'utf8',
  });
  const seconds = Math.round((performance.now() - started) / 1000);
  return { published: status === 0, stdout, output: `${stdout}${stderr}`, seconds };
};

const refused = (what, ...reasons) => {
  const { published, output } = publish();
  if (published) fail(`npm publish takes ${what}`);
  for (const reason of reasons) {
    if (!output.includes(reason)) fail(`npm publish refuses ${what} without ${reason}:\n${output}`);
  }
  console.log(`refused: ${what}`);
};

refused('placeholders for addresses', 'placeholders: homepage, repository, bugs');
edit('package.json', (text) => text.replaceAll('PLACEHOLDER.invalid', 'example.org/bindport'));
const { version, name } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8'));
refused('a version without changes', `no section ## ${version}`);
edit('CHANGELOG.md', (text) => text.replace('## Unreleased', `## ${version} (2026-01-31)`));

// `npm ci` leaves this machine's own build there (host-prebuild.mjs), which is not to be published.
const own = join(clone, fileOf('linux-x64'));
mkdirSync(dirname(own), { recursive: true });
writeFileSync(own, 'of this machine');
const { published, stdout, output, seconds } = publish();
if (!published) fail(`npm publish failed:\n${output}`);
// The scripts print before npm's own account.
const account = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{\n')));
const files = (account[name] ?? account).files.map(({ path }) => path);
const binaries = Object.keys(targets).map(fileOf);
const wanted = [...binaries, 'dist/index.js', 'dist/index.d.ts', 'README.md', 'CHANGELOG.md'];
const missing = wanted.filter((file) => !files.includes(file));
if (missing.length > 0) fail(`npm publish leaves out ${missing.join(', ')}`);
console.log(`published from a fresh clone: ${files.length} files, in ${seconds} s`);

// The same sources give the same bytes, wherever they lie.
const digestIn = (folder, file) => digest(readFileSync(join(folder, file)));
const different = binaries.filter(
  (file) => existsSync(join(root, file)) && digestIn(root, file) !== digestIn(clone, file),
);
if (different.length > 0) fail(`built twice, and not the same: ${different.join(', ')}`);

const [one, other] = ['linux-arm64', 'linux-x64'].map((target) => join(clone, fileOf(target)));
const command = 'npm run build:prebuilds';
renameSync(one, `${one}.away`);
refused('a set without one binary', `${fileOf('linux-arm64')}: missing`, command);
copyFileSync(other, one);
refused('a foreign binary', `${fileOf('linux-arm64')}: it is for x64, not arm64`, command);
renameSync(`${one}.away`, one);
edit('native/addon.cc', (text) => `${text}\n// another\n`);
refused('binaries of other sources', `${fileOf('linux-x64')}: it was built from other`, command);
