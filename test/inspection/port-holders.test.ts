import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { portsTaken } from '../../src/inspection/port-holders';
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
  const { message, holders } = portsTaken(
    [{ protocol: 'tcp', address: '127.0.0.1' }],
    [Number(port)],
  );
  expect(message).toContain(`process ${child.pid} (\\x1b[2J\\u{202e} -e `);
  // As it is, for programs.
  expect(holders[0]?.processes[0]?.command).toContain('\u001b[2J\u202e -e ');
});
