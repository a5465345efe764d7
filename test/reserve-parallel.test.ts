import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { unixOnly } from './support/platform';
import { dist, root } from './support/reservations';

/** Reserves, tells the ports, and keeps them until it is told to end. */
const reserver = (count: number, options: object, module = dist) => `
  const { reservePorts } = require(${JSON.stringify(module)});
  const reservations = reservePorts(${count}, ${JSON.stringify(options)});
  const ports = reservations.map(({ port }) => port);
`;

function processes(count: number, script: string): Promise<number[][]> {
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  // All of them hold their ports until the last one has told its own.
  const told = children.map(
    (child) =>
      new Promise<number[]>((resolve) =>
        child.stdout.once('data', (line) => resolve(JSON.parse(line))),
      ),
  );
  return Promise.all(told).finally(() => {
    for (const child of children) child.stdin.end();
  });
}

const untilStdinEnds = `
  console.log(JSON.stringify(ports));
  process.stdin.resume().on('end', () => { for (const r of reservations) r.release(); });
`;

it('24 processes never get the same port', async () => {
  const ports = (await processes(24, reserver(50, {}) + untilStdinEnds)).flat();
  expect(ports).toHaveLength(1200);
  expect(new Set(ports).size).toBe(1200);
});

it('24 processes that want the same ports never get the same one', async () => {
  const [[from = 0] = []] = await processes(1, reserver(1, {}) + untilStdinEnds);
  const wanted = Array.from({ length: 30 }, (_, i) => Math.min(from, 65000) + i);
  const ports = (await processes(24, reserver(3, { port: wanted }) + untilStdinEnds)).flat();
  expect(new Set(ports).size).toBe(72);
});

it('two threads never get the same port', async () => {
  const script = `${reserver(300, {})}
    const { parentPort } = require('node:worker_threads');
    parentPort.postMessage(ports);
    parentPort.once('message', () => { for (const r of reservations) r.release(); });
  `;
  const workers = Array.from({ length: 2 }, () => new Worker(script, { eval: true }));
  const told = await Promise.all(
    workers.map(
      (worker) =>
        new Promise<number[]>((resolve, reject) =>
          worker.once('message', resolve).once('error', reject),
        ),
    ),
  );
  expect(new Set(told.flat()).size).toBe(600);
  for (const worker of workers) worker.postMessage('end');
});

it('a thread that is terminated gives its ports back', async () => {
  const script = `${reserver(1, { protocol: 'both' })}
    require('node:worker_threads').parentPort.postMessage(ports);
    setInterval(() => {}, 1e6);
  `;
  const worker = new Worker(script, { eval: true });
  const [port] = await new Promise<number[]>((resolve) => worker.once('message', resolve));
  await worker.terminate();
  const [[again] = []] = await processes(
    1,
    reserver(1, { protocol: 'both', port }) + untilStdinEnds,
  );
  expect(again).toBe(port);
});

it(
  'two copies of the module in one process never get the same port',
  unixOnly('copies what node-gyp built'),
  async () => {
    const copy = await mkdtemp(join(tmpdir(), 'bindport-copy-'));
    try {
      for (const part of ['dist', 'build/Release/bindport.node', 'package.json']) {
        await cp(join(root, part), join(copy, part), { recursive: true });
      }
      await cp(
        join(root, 'node_modules/node-gyp-build'),
        join(copy, 'node_modules/node-gyp-build'),
        {
          recursive: true,
        },
      );
      const script = `
      const one = require(${JSON.stringify(dist)});
      const two = require(${JSON.stringify(join(copy, 'dist/index.js'))});
      const reserved = [];
      for (let i = 0; i < 300; i++) reserved.push(one.reservePort(), two.reservePort());
      console.log(one.reservePort === two.reservePort, new Set(reserved.map(({ port }) => port)).size);
      for (const reservation of reserved) reservation.release();
    `;
      const child = spawn(process.execPath, ['-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      expect(await text(child.stdout)).toBe('false 600\n');
    } finally {
      await rm(copy, { recursive: true });
    }
  },
);
