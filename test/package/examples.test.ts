import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../support/paths';
import { unixOnly } from '../support/platform';

const run = promisify(execFile);
const bin = (name: string) => join(root, 'node_modules', name);

// What these runners find of vitest's own in the environment would confuse them.
const { VITEST, VITEST_POOL_ID, VITEST_WORKER_ID, NODE_ENV, ...env } = process.env;

test.each([
  ['node-test', ['--test', 'server.test.mjs'], /pass 2/],
  ['vitest', [bin('vitest/vitest.mjs'), 'run', '--no-color'], /2 passed/],
  ['jest', [bin('jest/bin/jest.js')], /2 passed/],
  // Its own limit of two seconds is short where many tests run at once.
  ['mocha', [bin('mocha/bin/mocha.js'), '--timeout', '30000', 'server.spec.cjs'], /2 passing/],
  ['playwright', [bin('@playwright/test/cli.js'), 'test'], /1 passed/],
])(
  'the example for %s runs',
  unixOnly('the runners are installed for Unix alone'),
  async (name, args, passed) => {
    const options = { cwd: join(root, 'examples', name), env: { ...env, NO_COLOR: '1' } };
    const { stdout, stderr } = await run(process.execPath, args, options);
    expect(stdout + stderr).toMatch(passed);
    expect(stdout + stderr).not.toMatch(/never released|did not exit/);
  },
);
