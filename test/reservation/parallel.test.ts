import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { quietPorts } from '../support/free-port';
import { dist, root } from '../support/paths';
import { unixOnly } from '../support/platform';

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

test('24 processes never get the same port', async () => {
  const ports = (await processes(24, reserver(50, {}) + untilStdinEnds)).flat();
  expect(ports).toHaveLength(1200);
  expect(new Set(ports).size).toBe(1200);
});

test('24 processes that want the same ports never get the same one', async () => {
  const [[from = 0] = []] = await processes(1, reserver(1, {}) + untilStdinEnds);
  const wanted = Array.from({ length: 30 }, (_, i) => Math.min(from, 65000) + i);
  const ports = (await processes(24, reserver(3, { port: wanted }) + untilStdinEnds)).flat();
  expect(new Set(ports).size).toBe(72);
});

test('two threads never get the same port', async () => {
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

test('a thread that is terminated gives its ports back', async () => {
  const wanted = [...quietPorts()].slice(0, 100);
  const script = `${reserver(1, { protocol: 'both', port: wanted })}
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

test(
  'two copies of the module in two threads of 24 processes never get the same port',
  unixOnly('copies what node-gyp built'),
  async () => {
    const copy = await mkdtemp(join(tmpdir(), 'bindport-copy-'));
    try {
      const parts = ['dist', 'build/Release/bindport.node', 'package.json'];
      for (const part of parts) {
        await cp(join(root, part), join(copy, part), { recursive: true });
      }
      const modules = JSON.stringify([dist, join(copy, 'dist/index.js')]);
      const reserve = `
        const [one, two] = ${modules}.map((file) => require(file).reservePort);
        // Kept: a forgotten reservation is released when it is collected.
        globalThis.kept = one === two ? [] : Array.from({ length: 10 }, () => [one(), two()]);
        const ports = kept.map((both) => both.map(({ port }) => port));
      `;
      const thread = `${reserve}
        require('node:worker_threads').parentPort.postMessage(ports);
        setInterval(() => {}, 1e6);
      `;
      const script = `
        const worker = new (require('node:worker_threads').Worker)(${JSON.stringify(thread)}, { eval: true });
        ${reserve}
        worker.once('message', (others) => console.log(JSON.stringify([ports, others].flat(2))));
        process.stdin.resume().on('end', () => process.exit());
      `;
      const ports = (await processes(24, script)).flat();
      expect(ports).toHaveLength(24 * 2 * 20);
      expect(new Set(ports).size).toBe(ports.length);
    } finally {
      await rm(copy, { recursive: true });
    }
  },
);
