import { createServer } from 'node:http';
import { expect } from 'vitest';
import { test } from './fixtures';

test('is served on its own port', async ({ reservation }) => {
  const server = createServer((_, response) => response.end('hello'));
  await reservation.listen(server);
  const response = await fetch(`http://127.0.0.1:${reservation.port}`, {
    headers: { connection: 'close' },
  });
  expect(await response.text()).toBe('hello');
});

test('starts a program on its own port', async ({ reservation }) => {
  const script = 'require("http").createServer((q, a) => a.end("hi")).listen(process.env.PORT)';
  const child = reservation.spawn(process.execPath, ['-e', script]);
  await reservation.ready();
  const response = await fetch(`http://127.0.0.1:${reservation.port}`);
  expect(await response.text()).toBe('hi');
  child.kill();
});
