import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../../support/paths';

test('the example for Redis runs', async () => {
  const options = { cwd: join(root, 'examples/redis') };
  const args = ['--test', 'redis.test.mjs'];
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  expect(stdout).toMatch(/pass 1/);
});
