// Runs the suite on the other Node versions.
import { fail, root } from '../project.mjs';
import { runtimes, show } from './runtimes.mjs';

const suite = ['node_modules/vitest/vitest.mjs', 'run', '--project=suite'];
const failed = [];
for (const runtime of runtimes(['node-22', 'node-24', 'node-26'])) {
  console.log(`\n--- ${runtime.name}`);
  const reason = show(runtime, [...suite, ...process.argv.slice(2)], { cwd: root });
  if (reason !== undefined) failed.push(`${runtime.name}: ${reason}`);
}
if (failed.length > 0) fail(failed.join('\n'));
