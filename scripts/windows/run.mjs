// Runs one file of the project on Windows' Node in Wine: node scripts/windows/run.mjs [--node MAJOR] FILE [arguments…]
import { nodeExe, nodeVersions, project, setup, stage } from './setup.mjs';
import { outputOf, run, stop } from './wine.mjs';

const args = process.argv.slice(2);
const [major] =
  args[0] === '--node' ? args.splice(0, 2).slice(1) : Object.keys(nodeVersions).slice(-1);
if (args.length === 0 || !Object.hasOwn(nodeVersions, major)) {
  console.error(
    `usage: node scripts/windows/run.mjs [--node ${Object.keys(nodeVersions).join('|')}] FILE [arguments…]`,
  );
  process.exit(2);
}

process.once('exit', stop);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
await setup();
stage();
const status = await run(nodeExe(major), args, { cwd: project });
process.stdout.write(outputOf());
if (status === null) console.error('still running after a minute: ended');
process.exitCode = status ?? 1;
