// Does what docs/bundlers.md tells, with the packed tarball: its blocks are what is run.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fail, must, root } from '../project.mjs';
import { fetched } from './fetched.mjs';
import { emptyFolder, installed, pack } from './packed.mjs';
import { runtimes } from './runtimes.mjs';

const PROGRAM = join(root, 'test/environments/bundlers/program.cjs');
/** Configurations import these from the project. */
const plugins = ['@rollup/plugin-commonjs@29.0.3', '@rollup/plugin-node-resolve@16.0.3'];
const tools = fetched('bundlers', {
  '@yarnpkg/cli-dist': '4.18.1',
  pnpm: '10.34.8',
  postject: '1.0.0-alpha.6',
  rollup: '4.68.8',
  webpack: '5.113.0',
  'webpack-cli': '6.0.1',
});
const bin = [tools, root].map((folder) => join(folder, 'node_modules/.bin')).join(delimiter);

const { NODE_OPTIONS: _, NODE_PATH: __, BINDPORT_PREBUILD: ___, ...rest } = process.env;
const env = { ...rest, PATH: `${bin}${delimiter}${rest.PATH}` };
const run = (command, args, cwd, more = {}) =>
  spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 120_000, env: { ...env, ...more } });

const serves = (what, { status, stdout, stderr, error }) => {
  if (status !== 0 || stdout.trim() !== 'served')
    fail(`${what}: ended with ${status}\n${error?.message ?? ''}${stdout}${stderr}`);
  console.log(`${what}: serves`);
};
const fails = (what, code, { status, stdout, stderr }) => {
  if (status === 0 || !`${stdout}${stderr}`.includes(code))
    fail(`${what}: ended with ${status}, and not by ${code}\n${stdout}${stderr}`);
  console.log(`${what}: ${code}`);
};

const tarball = pack();
const project = installed(tarball, { flags: ['--ignore-scripts'], others: plugins });
copyFileSync(PROGRAM, join(project, 'program.cjs'));

/** What a section of the document tells to do. Each of its `sh` blocks is a way. */
const sections = new Map(
  readFileSync(join(root, 'docs/bundlers.md'), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((text) => [
      text.slice(0, text.indexOf('\n')),
      [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({
        language,
        code,
      })),
    ]),
);

const out = join(project, 'out');
const follow = ({ language, code }) => {
  if (language === 'js') {
    const [, name] = /^\/\/ (\S+)\n/.exec(code);
    writeFileSync(join(project, name), code);
    return false;
  }
  rmSync(out, { recursive: true, force: true });
  // npx would look for what is in PATH elsewhere first.
  const { status, stdout, stderr } = run('sh', ['-ec', code.replaceAll('npx ', '')], project);
  if (status !== 0) fail(`${code}\n${stdout}${stderr}`);
  return true;
};

const programIn = (folder) =>
  ['program.cjs', 'program.mjs', 'program'].find((file) => existsSync(join(folder, file)));

/** A bundle has to run where there is no package, and to say what it lacks without the binaries. */
const deployed = (what) => {
  const folder = emptyFolder();
  cpSync(out, folder, { recursive: true });
  const name = programIn(folder);
  const start = () =>
    name === 'program'
      ? run(join(folder, name), [], folder)
      : run(process.execPath, [join(folder, name)], folder);
  serves(what, start());
  rmSync(join(folder, 'prebuilds'), { recursive: true });
  fails(`${what}, without prebuilds`, 'ERR_ADDON_NOT_LOADED', start());
};

for (const name of ['esbuild', 'webpack', 'Rollup', 'A single executable']) {
  const blocks = sections.get(name) ?? fail(`docs/bundlers.md has no section ${name}`);
  let ways = 0;
  for (const block of blocks)
    if (follow(block)) deployed(`${name}${++ways > 1 ? ` (${ways})` : ''}`);
  if (ways === 0) fail(`docs/bundlers.md has no command for ${name}`);
}
sections.get('Vite SSR').forEach(follow);
serves('Vite SSR', run(process.execPath, [join(out, programIn(out))], project));

/** What a package manager is told, and how a program is run then. */
const managers = {
  'Yarn, node_modules': {
    files: { '.yarnrc.yml': 'nodeLinker: node-modules\n' },
    install: ['yarn', 'install'],
    start: ['node', 'program.cjs'],
  },
  "Yarn, Plug'n'Play": {
    files: { '.yarnrc.yml': 'nodeLinker: pnp\n' },
    install: ['yarn', 'install'],
    start: ['yarn', 'node', 'program.cjs'],
  },
  pnpm: { files: {}, install: ['pnpm', 'install'], start: ['node', 'program.cjs'] },
};
const registry = must('npm', ['config', 'get', 'registry']);
for (const [name, { files, install, start }] of Object.entries(managers)) {
  const folder = emptyFolder({ private: true, dependencies: { bindport: `file:${tarball.path}` } });
  copyFileSync(PROGRAM, join(folder, 'program.cjs'));
  // Yarn takes a folder for its own project where there is a lock file.
  for (const [file, text] of Object.entries({ ...files, 'yarn.lock': '' }))
    writeFileSync(join(folder, file), text);
  const more = {
    CI: '',
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_ENABLE_GLOBAL_CACHE: 'false',
    YARN_ENABLE_TELEMETRY: '0',
  };
  const [manager, ...args] = install;
  const { status, stdout, stderr } = run(manager, args, folder, more);
  if (status !== 0) fail(`${name}: ${stdout}${stderr}`);
  const [command, ...rest] = start;
  serves(name, run(command, rest, folder, more));
}

for (const { name, command } of runtimes(['node-22', 'node-24', 'node-26'])) {
  const start = (...switches) => run(command, [...switches, 'program.cjs'], project);
  const allowed = ['--permission', `--allow-fs-read=${project}/*`, '--no-warnings'];
  fails(`${name}, --permission`, 'ERR_DLOPEN_DISABLED', start(...allowed));
  if (Number(/\d+/.exec(name)[0]) < 25) {
    serves(`${name}, --permission`, start(...allowed, '--allow-addons'));
  } else {
    fails(`${name}, --permission`, 'ERR_ACCESS_DENIED', start(...allowed, '--allow-addons'));
    serves(`${name}, --permission`, start(...allowed, '--allow-addons', '--allow-net'));
  }
  serves(`${name}, --frozen-intrinsics`, start('--frozen-intrinsics', '--no-warnings'));
  serves(`${name}, --disable-proto=throw`, start('--disable-proto=throw'));
  serves(`${name}, --disable-proto=delete`, start('--disable-proto=delete'));
  fails(`${name}, --no-addons`, 'ERR_DLOPEN_DISABLED', start('--no-addons'));
}
