// What a reservation costs, from the first to the last of the 28,000 that there are, beside a C program
// that makes the same system calls. Two processes, because one may not open so many descriptors: the
// second begins when the first is done. As root it runs in a network namespace of its own.
//
//   node bench/reserve-cost.mjs
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
/** How many are held at the end of each stretch, in the first and in the second process. */
const FIRST = [1, 10, 100, 1000, 4000, 8000, 12000, 14000];
const SECOND = [2000, 6000, 10000, 13000, 14000];

async function work(points) {
  const { reservePort } = (await import('../dist/index.js')).default;
  const held = [];
  const took = [];
  for (const point of points) {
    const start = process.hrtime.bigint();
    while (held.length < point) held.push(reservePort());
    took.push(process.hrtime.bigint() - start);
  }
  console.log(took.join('\n'));
  await once(process.stdin.resume(), 'end');
  for (const reservation of held) reservation.release();
}

/** Nanoseconds of each stretch, and a way to end the process. */
async function measure(command, args, points) {
  const child = spawn(command, [...args, ...points.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const times = [];
  for await (const line of createInterface(child.stdout)) {
    if (times.push(Number(line)) === points.length) break;
  }
  if (times.length < points.length) throw new Error(`${command} has failed`);
  const end = async () => {
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
  };
  return { times, end };
}

/** The best of three runs of the first process, and one of the second, which takes half a minute. */
async function bothProcesses(command, args) {
  const runs = [];
  for (let run = 1; run <= 3; run++) {
    const first = await measure(command, args, FIRST);
    runs.push(first.times);
    if (run === 3) {
      const second = await measure(command, args, SECOND);
      await second.end();
      runs.push(second.times);
    }
    await first.end();
  }
  const second = runs.pop() ?? [];
  return [...FIRST.map((_, i) => Math.min(...runs.map((times) => times[i]))), ...second];
}

/** Both on a logarithmic axis, ten places to a power of ten: `C`, `b` for bindport, `*` for both. */
function plot(c, bindport) {
  const axis = Array(41).fill('·');
  const place = (time) => Math.min(40, Math.max(0, Math.round(Math.log10(time) * 10)));
  axis[place(c)] = 'C';
  axis[place(bindport)] = place(c) === place(bindport) ? '*' : 'b';
  return axis.join('');
}

async function compare() {
  const folder = mkdtempSync(join(tmpdir(), 'bindport-bench-'));
  try {
    const c = join(folder, 'reserve-cost');
    execFileSync('cc', ['-O2', '-o', c, fileURLToPath(new URL('reserve-cost.c', import.meta.url))]);
    const inC = await bothProcesses(c, []);
    const ours = await bothProcesses(process.execPath, [self, '--worker']);
    const ends = [...FIRST, ...SECOND.map((point) => point + (FIRST.at(-1) ?? 0))];
    console.log('µs for each reservation, up to 14,000 the best of 3 runs\n');
    console.log(
      'reservations            C   bindport   ratio  1 µs      10        100       1 ms      10 ms',
    );
    ends.forEach((end, i) => {
      const begin = i === 0 ? 0 : ends[i - 1];
      const each = (times) => times[i] / (end - begin) / 1000;
      const span = `${begin + 1} to ${end}`.padEnd(16);
      const columns = [each(inC).toFixed(2).padStart(9), each(ours).toFixed(2).padStart(10)];
      const ratio = (each(ours) / each(inC)).toFixed(2).padStart(7);
      console.log(`${span}${columns.join(' ')} ${ratio}  ${plot(each(inC), each(ours))}`);
    });
    const total = (times) => times.reduce((sum, time) => sum + time) / 1e9;
    console.log(`\nall 28,000: C ${total(inC).toFixed(2)} s, bindport ${total(ours).toFixed(2)} s`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [mode, ...points] = process.argv.slice(2);
if (mode === '--worker') await work(points.map(Number));
else if (mode === '--alone' || process.getuid?.() !== 0) await compare();
else {
  const { status } = spawnSync('unshare', ['-n', process.execPath, self, '--alone'], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
