// What installing costs beside other packages. It builds the binaries of every platform first if they are not there.
// Time: of `npm install` in an empty project from npm's cache, as a ratio to get-port's, the median of rounds that
// take turns. Sizes: of the tarball, and of node_modules after the install, dependencies included.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from '../../scripts/check/packed.mjs';
import { must } from '../../scripts/project.mjs';
import { interleaved, median, ratio } from '../rounds.mjs';

const ROUNDS = 5;
const others = ['get-port@7.2.0', 'portfinder@1.0.38', 'sockopt@2.0.1', 'bufferutil@4.1.0'];

const bytesOf = (path) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

/** Nanoseconds, with its install scripts, as npm runs them: what compiles takes the time for it. */
function install(project, what) {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync('npm', ['install', ...flags, what], {
    cwd: project,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return Number(process.hrtime.bigint() - start);
}

export async function run({ folder }) {
  const tarball = pack();
  const packages = { bindport: tarball.path };
  for (const name of others) packages[name.split('@')[0]] = name;
  const projectOf = (name) => join(folder, `install-${name}`);
  const ways = {};
  for (const [name, what] of Object.entries(packages)) {
    ways[name] = () => install(projectOf(name), what);
    // Fills npm's cache.
    ways[name]();
  }
  const took = await interleaved('install', ways, ROUNDS);
  const packedBytes = (name) =>
    name === 'bindport'
      ? tarball.size
      : JSON.parse(must('npm', ['pack', '--dry-run', '--json', packages[name]], { cwd: folder }))[0]
          .size;
  const kilobytes = (bytes) => `${Math.round(bytes / 1000)} kB`;
  const times = [];
  const notes = [];
  for (const [way, rounds] of Object.entries(took)) {
    times.push({ work: 'npm install', way, runtime: '', ns: median(rounds) });
    const beside = ratio(rounds, took['get-port']).toFixed(1);
    const sizes = [packedBytes(way), bytesOf(join(projectOf(way), 'node_modules'))].map(kilobytes);
    notes.push(
      `${way}: ${beside} × get-port's time, ${sizes[0]} packed, ${sizes[1]} in node_modules`,
    );
  }
  return { times, goals: [], notes };
}
