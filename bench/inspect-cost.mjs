// What an inspection costs beside a C program that makes the same system calls, and how long findSockets looks
// for the listeners of one port among 10,000 sockets. Medians of interleaved rounds.
//
//   node bench/inspect-cost.mjs
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findSockets, inspectSocket, SocketHandle } from '../dist/index.js';
import { loadSource } from '../scripts/build/source.mjs';

const { planFor } = loadSource('inspection/option-plan');

const ROUNDS = 21;
/** Each way makes five runs of so many inspections in a round, and the fastest counts: C's, too. */
const RUNS = 5;
const TIMES = 1000;
const SOCKETS = 10_000;
/** DESIGN's goals: as a multiple of C, and in microseconds. */
const MOST = 1.5;
const MOST_MICROSECONDS = 1000;

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Nanoseconds of one call. */
function time(work) {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < TIMES; i++) work();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / TIMES);
  }
  return best;
}

function inspection(folder) {
  const program = join(folder, 'inspect-cost');
  const source = fileURLToPath(new URL('inspect-cost.c', import.meta.url));
  execFileSync('cc', ['-O2', '-o', program, source]);
  const listener = new SocketHandle();
  listener.bind();
  listener.listen();
  const { fd } = listener;
  const calls = Array.from(planFor(listener).calls, String);
  const ways = {
    C: () => Number(execFileSync(program, [String(TIMES), ...calls], { encoding: 'utf8' })),
    'inspectSocket(handle)': () => time(() => inspectSocket(listener)),
    'inspectSocket(number)': () => time(() => inspectSocket(fd)),
    'inspectSocket({ pid, fd })': () => time(() => inspectSocket({ pid: process.pid, fd })),
  };
  for (const way of Object.values(ways)) way();
  const took = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) took[name].push(way());
  }
  const c = median(took.C);
  console.log(`a TCP listener, ${calls.length / 3} options, microseconds:`);
  for (const [name, values] of Object.entries(took)) {
    const one = median(values);
    console.log(
      `  ${name.padEnd(28)}${(one / 1000).toFixed(1).padStart(7)}  ${(one / c).toFixed(2)} × C`,
    );
  }
  listener.close();
  return median(took['inspectSocket(handle)']) / c;
}

async function listeners() {
  const held = [];
  try {
    const listener = new SocketHandle();
    held.push(listener);
    listener.bind();
    listener.listen();
    const { port } = listener.address();
    // A pair has two sockets, and the listener's queue none for long.
    while (held.length < SOCKETS) {
      const client = new SocketHandle();
      held.push(client);
      client.connect('127.0.0.1', port);
      held.push(listener.accept());
    }
    const query = { port, protocol: 'tcp', state: 'LISTEN' };
    const took = { first: [], none: [], all: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const processes of Object.keys(took)) {
        const start = process.hrtime.bigint();
        const found = await findSockets({ ...query, processes });
        took[processes].push(Number(process.hrtime.bigint() - start) / 1000);
        if (found.length !== 1) throw new Error(`${found.length} listeners of port ${port}`);
      }
    }
    console.log(`the listeners of one port among ${SOCKETS} sockets, microseconds:`);
    for (const [processes, values] of Object.entries(took)) {
      console.log(
        `  ${`processes: '${processes}'`.padEnd(28)}${median(values).toFixed(1).padStart(7)}`,
      );
    }
    // Which process has it is another question: the kernel is asked for the descriptors of each.
    return median(took.none);
  } finally {
    for (const socket of held) socket.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'bindport-bench-'));
try {
  const ratio = inspection(folder);
  const microseconds = await listeners();
  if (ratio > MOST || microseconds > MOST_MICROSECONDS) {
    console.log(`more than ${MOST} × C, or than ${MOST_MICROSECONDS} microseconds`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
