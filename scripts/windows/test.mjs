// Runs the suite on Windows' Node in Wine: node scripts/windows/test.mjs [--node MAJOR,…] [vitest's arguments…]
// On the oldest and the newest without --node: each takes minutes there, and test:platforms tries all four.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeExe, nodeVersions, project, setup, stage } from './setup.mjs';
import { drive, outputOf, run, stop, WineCrashed } from './wine.mjs';

const limitInSeconds = 1200;

const test = async (major, vitestArgs) => {
  const results = join(drive, 'results.json');
  rmSync(results, { force: true });
  const status = await run(
    nodeExe(major),
    [
      'P:\\node_modules\\vitest\\vitest.mjs',
      'run',
      '--project=suite',
      '--no-color',
      '--reporter=default',
      '--reporter=json',
      '--outputFile.json=P:\\results.json',
      ...vitestArgs,
    ],
    { cwd: project, seconds: limitInSeconds, output: `node-${major}.txt` },
  );
  const output = outputOf(`node-${major}.txt`);
  const end = verdict(status, results);
  // vitest starts its workers in Wine, too; a test that meets this is run again by vitest itself.
  if (!end.ok && end.failed === 0 && output.includes('spawn UNKNOWN'))
    throw new WineCrashed('Wine failed to start a worker');
  console.log(output);
  return end;
};

/** Wine's own crash says nothing of the suite: a second one would. */
const testAgainIfWineCrashed = async (major, vitestArgs) => {
  for (const crashes of [0, 1]) {
    try {
      return await test(major, vitestArgs);
    } catch (error) {
      if (!(error instanceof WineCrashed)) throw error;
      console.log(
        `${outputOf(`node-${major}.txt`)}\n${error.message}${crashes ? '' : ': once more'}`,
      );
    }
  }
  return { ok: false, text: "Wine's server crashed twice" };
};

const verdict = (status, results) => {
  if (status === null) return { ok: false, text: `still running after ${limitInSeconds} s` };
  let counts;
  try {
    counts = JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    return { ok: false, text: `vitest ended with ${status} and wrote no results` };
  }
  const {
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: todo,
    success,
  } = counts;
  const text = `${passed} passed, ${failed} failed, ${skipped + todo} skipped`;
  const left = leftOut(counts);
  // A suite that runs nothing proves nothing; an error outside any test shows in the status alone.
  if (passed + failed === 0) return { ok: false, text: `${text}: no test ran` };
  if (left.has(undefined) && !filtered)
    return { ok: false, left, text: `${text}: ${left.get(undefined)} of them without a reason` };
  return {
    ok: status === 0 && success,
    failed,
    left,
    text: status === 0 ? text : `${text}; vitest ended with ${status}`,
  };
};

/** How many tests were left out for which reason: test/support/platform.ts puts it into their meta data. */
const leftOut = ({ testResults }) => {
  const reasons = new Map();
  for (const { status, meta } of testResults.flatMap((file) => file.assertionResults)) {
    if (status === 'passed' || status === 'failed') continue;
    reasons.set(meta?.reason, (reasons.get(meta?.reason) ?? 0) + 1);
  }
  return reasons;
};

/** What each version left out, one line a reason: the counts differ only where the versions do. */
const printLeftOut = (verdicts) => {
  const all = new Map();
  for (const [, { left }] of verdicts)
    for (const [reason, count] of left ?? [])
      all.set(reason, Math.max(count, all.get(reason) ?? 0));
  console.log('Left out on Windows, and why:');
  for (const [reason, count] of [...all].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(5)}  ${reason ?? 'chosen by the arguments'}`);
};

const args = process.argv.slice(2);
const [given] = args[0] === '--node' ? args.splice(0, 2).slice(1) : ['20,26'];
const majors = given?.split(',') ?? [];
if (majors.length === 0 || !majors.every((major) => Object.hasOwn(nodeVersions, major))) {
  console.error(
    `usage: node scripts/windows/test.mjs [--node ${Object.keys(nodeVersions).join(',')}] [vitest's arguments…]`,
  );
  process.exit(2);
}

// With -t, for instance, vitest skips tests of its own accord.
const filtered = args.length > 0;

process.once('exit', stop);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
// a run that was killed leaves its processes behind
stop();
await setup();
stage();
const verdicts = [];
for (const major of majors) verdicts.push([major, await testAgainIfWineCrashed(major, args)]);
printLeftOut(verdicts);
for (const [major, { text }] of verdicts) console.log(`windows-node-${major}: ${text}`);
if (!verdicts.every(([, { ok }]) => ok)) process.exitCode = 1;
