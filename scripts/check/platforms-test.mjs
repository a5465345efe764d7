// Runs the same program, from the packed tarball in an empty project, on every runtime and platform that can be had
// here, and compares what works with the table in docs/platforms.md.
//
//   node scripts/check/platforms-test.mjs [--write]
//
// --write: puts the table there instead. A feature that fails fails either way.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readPart, table, writePart } from '../build/markdown.mjs';
import { fail, root } from '../project.mjs';
import { nodeExe, nodeVersions, setup } from '../windows/setup.mjs';
import { drive, outputOf, run, stop, WineCrashed } from '../windows/wine.mjs';
import { installed, pack } from './packed.mjs';
import { runtimes } from './runtimes.mjs';

const PROGRAM = join(root, 'test/environments/runtimes/smoke.cjs');
const DOCUMENT = join(root, 'docs/platforms.md');
const BEGIN = '<!-- begin: npm run test:platforms -->';

/** What the program printed, as a map of features: `yes`, or the code with which the package refuses it. */
const cells = (output) => {
  const found = new Map();
  for (const line of output.split('\n')) {
    const [, ok, refused, code] = /^(?:ok (.+)|refused (.+) (\S+))$/.exec(line) ?? [];
    if (ok !== undefined) found.set(ok, 'yes');
    if (refused !== undefined) found.set(refused, `\`${code}\``);
  }
  return found;
};

const failures = [];
const judge = (row, passed, output, why) => {
  const works = cells(output);
  console.log(`${row.name}, ${row.where}: ${works.size} features`);
  if (!passed || works.size === 0) failures.push(`${row.name}, ${row.where}: ${why}\n${output}`);
  return { ...row, works };
};

const onUnix = (project) => {
  const program = basename(PROGRAM);
  return runtimes().map(({ name, where, command, args, env }) => {
    const { status, signal, error, stdout, stderr } = spawnSync(command, [...args, program], {
      cwd: project,
      encoding: 'utf8',
      timeout: 180_000,
      env,
    });
    const why = error?.message ?? `ended with ${status ?? signal}`;
    return judge({ name, where }, status === 0, `${stdout}${stderr}`, why);
  });
};

const onWindows = async (project) => {
  process.once('exit', stop);
  stop();
  await setup();
  const copy = join(drive, 'packed');
  rmSync(copy, { recursive: true, force: true });
  cpSync(project, copy, { recursive: true, verbatimSymlinks: true });
  const once = (major) => run(nodeExe(major), [basename(PROGRAM)], { cwd: copy, seconds: 180 });
  const rows = [];
  for (const [major, version] of Object.entries(nodeVersions)) {
    const row = { name: `Node ${version}`, where: 'Windows x64, in Wine' };
    const status = await once(major).catch((error) => {
      // Wine's own crash says nothing of the package; a second one would.
      if (error instanceof WineCrashed) return once(major);
      throw error;
    });
    rows.push(judge(row, status === 0, outputOf(), `ended with ${status}`));
  }
  return rows;
};

const { values } = parseArgs({ options: { write: { type: 'boolean' } } });
const tarball = pack();
const project = installed(tarball, { flags: ['--ignore-scripts'] });
copyFileSync(PROGRAM, join(project, basename(PROGRAM)));
const rows = [...onUnix(project), ...(await onWindows(project))];
stop();
const features = [...new Set(rows.flatMap(({ works }) => [...works.keys()]))];
const result = table([
  ['runtime', 'platform', ...features],
  ...rows.map(({ name, where, works }) => [
    name,
    where,
    ...features.map((feature) => works.get(feature) ?? 'no'),
  ]),
]);
console.log(`\n${result}\n`);
if (failures.length > 0) fail(failures.join('\n\n'));

if (values.write) {
  writePart(DOCUMENT, BEGIN, result);
} else if (readPart(DOCUMENT, BEGIN) !== result) {
  fail(
    'docs/platforms.md has another table: `npm run test:platforms -- --write` puts this one there',
  );
}
