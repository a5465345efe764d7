// What installing costs beside other packages: npm run bench:install [-- ROUNDS]
// Time: of `npm install` in an empty project from npm's cache, as a ratio to get-port's, the median of rounds that
// take turns. Sizes: of the tarball, and of node_modules after the install, dependencies included.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from '../scripts/check/packed.mjs';
import { fail, must } from '../scripts/project.mjs';

const rounds = Number(process.argv[2] ?? 5);
const tarball = pack();
const packages = {
  bindport: tarball.path,
  'get-port': 'get-port@7.2.0',
  portfinder: 'portfinder@1.0.38',
  sockopt: 'sockopt@2.0.1',
  bufferutil: 'bufferutil@4.1.0',
};

const folder = mkdtempSync(join(tmpdir(), 'bindport-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const bytesOf = (path) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

/** With its install scripts, as npm runs them: what compiles takes the time for it. */
const install = (name, round) => {
  const project = join(folder, `${name}-${round}`);
  must('mkdir', [project]);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  const started = performance.now();
  const { status, stderr } = spawnSync('npm', ['install', ...flags, packages[name]], {
    cwd: project,
    encoding: 'utf8',
  });
  const seconds = (performance.now() - started) / 1000;
  const bytes = bytesOf(join(project, 'node_modules'));
  rmSync(project, { recursive: true, force: true });
  if (status !== 0 && round > 0) return { failed: stderr.split('\n')[0] };
  return { seconds, bytes };
};

const packedBytes = (name) =>
  name === 'bindport'
    ? tarball.size
    : JSON.parse(must('npm', ['pack', '--dry-run', '--json', packages[name]], { cwd: folder }))[0]
        .size;

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const results = new Map(Object.keys(packages).map((name) => [name, []]));
// The first round fills npm's cache.
for (let round = 0; round <= rounds; round++) {
  for (const [name, found] of results) {
    const result = install(name, round);
    if (round > 0) found.push(result);
  }
}

const kilobytes = (bytes) => `${Math.round(bytes / 1000)}`;
const beside = median(results.get('get-port').map(({ seconds }) => seconds));
if (!(beside > 0)) fail('get-port could not be installed');
console.log(`${'package'.padEnd(14)}install  packed kB  node_modules kB`);
for (const [name, found] of results) {
  const broken = found.find(({ failed }) => failed);
  const ratio = broken ? 'failed' : (median(found.map((it) => it.seconds)) / beside).toFixed(2);
  const unpacked = broken ? '' : kilobytes(found[0].bytes);
  console.log(
    name.padEnd(14) +
      ratio.padStart(7) +
      kilobytes(packedBytes(name)).padStart(11) +
      unpacked.padStart(17),
  );
}
