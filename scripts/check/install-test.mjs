// Ways to bindport where no binary is shipped, each followed as a user would: what the error tells to do, and an
// install from git. Both compile the addon.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fail, must, root } from '../project.mjs';
import { emptyFolder, installed } from './packed.mjs';

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

const folder = emptyFolder();
const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
const [{ filename }] = JSON.parse(must('npm', pack));
const bare = installed({ path: join(folder, filename) });
rmSync(join(bare, 'node_modules/bindport/prebuilds'), { recursive: true, force: true });
const { stderr } = use(bare);
if (!stderr.includes('ERR_ADDON_NOT_LOADED')) fail(`without a binary: ${stderr}`);

expectUse('BINDPORT_PREBUILD', bare, { BINDPORT_PREBUILD: root });

const command = /npx (node-gyp rebuild --directory ".*")/.exec(stderr)?.[1] ?? fail(stderr);
must('sh', ['-c', `npx ${command}`], { what: command });
expectUse('built from the package', bare);

const fromGit = installed({ path: `git+file://${root}#${must('git', ['rev-parse', 'HEAD'])}` });
console.log(readdirSync(join(fromGit, 'node_modules/bindport/prebuilds')).join(' '));
expectUse('installed from git', fromGit);
