import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { describeHolder } from '../../src/inspection/port-conflicts';
import { linuxOnly } from '../support/platform';

const noLists = linuxOnly('elsewhere nobody is looked for');

test('errors show what is hidden in the command of whoever has a port', noLists, async () => {
  const script =
    'const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))';
  const child = spawn(process.execPath, ['-e', script], {
    argv0: '\u001b[2J\u202e',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill();
  });
  const [port] = await once(child.stdout, 'data');
  expect(describeHolder({ address: '127.0.0.1' }, Number(port))).toContain(
    `process ${child.pid} (\\x1b[2J\\u{202e} -e `,
  );
});
