// Ways to bindport where no binary is shipped, each followed as a user would: what the error tells to do, and an
// install from git. Both compile the addon.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, must, root } from '../project.mjs';

const folder = mkdtempSync(join(tmpdir(), 'bindport-install-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const USE = "console.log(require('bindport').findUnusedPort() > 0)";
const use = (cwd, env = {}) =>
  spawnSync(process.execPath, ['-e', USE], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
const expectUse = (what, cwd, env) => {
  const { stdout, stderr } = use(cwd, env);
  if (stdout !== 'true\n') fail(`${what}: ${stderr}`);
  console.log(`${what}: loaded`);
};

/** A project with a package installed. */
function install(name, source) {
  const project = join(folder, name);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  must('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', source], { cwd: project });
  return project;
}

const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
const [{ filename }] = JSON.parse(must('npm', pack));
const bare = install('bare', join(folder, filename));
const installed = join(bare, 'node_modules/bindport');
rmSync(join(installed, 'prebuilds'), { recursive: true, force: true });
const { stderr } = use(bare);
if (!stderr.includes('ERR_ADDON_NOT_LOADED')) fail(`without a binary: ${stderr}`);

expectUse('BINDPORT_PREBUILD', bare, { BINDPORT_PREBUILD: root });

const command = /npx (node-gyp rebuild --directory ".*")/.exec(stderr)?.[1] ?? fail(stderr);
must('sh', ['-c', `npx ${command}`], { what: command });
expectUse('built from the package', bare);

const fromGit = install('git', `git+file://${root}#${must('git', ['rev-parse', 'HEAD'])}`);
console.log(readdirSync(join(fromGit, 'node_modules/bindport/prebuilds')).join(' '));
expectUse('installed from git', fromGit);
