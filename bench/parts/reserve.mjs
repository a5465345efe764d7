// What a reservation costs, from the first to the last of the 28,000 that there are, beside a C program that makes the
// same system calls, and what 8,000 at once cost. Two processes, because one may not open so many descriptors: the
// second begins when the first is done. As root each pair has a network namespace of its own.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { root } from '../../scripts/project.mjs';
import { compiled } from '../rivals.mjs';
import { progress } from '../rounds.mjs';

const self = fileURLToPath(import.meta.url);
const worker = join(root, 'bench/workers/reserve.mjs');
/** How many are held at the end of each stretch, in the first and in the second process. */
const FIRST = [1, 10, 100, 1000, 4000, 8000, 12000, 14000];
const SECOND = [2000, 6000, 10000, 13000, 14000];
const ENDS = [...FIRST, ...SECOND.map((point) => point + FIRST.at(-1))];
const HALF = FIRST.at(-1);
const AT_ONCE = 8000;
/** Milliseconds. */
const most = { each: 0.1, atOnce: 60 };

/** The numbers that a process prints, and a way to end it. */
async function measure([command, ...args], count) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const times = [];
  for await (const line of createInterface(child.stdout)) {
    if (times.push(Number(line)) === count) break;
  }
  if (times.length < count) throw new Error(`${command} has failed`);
  const end = async () => {
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
  };
  return { times, end };
}

/** Nanoseconds of each stretch of both processes, and of 8,000 at once. */
async function pair(command) {
  const first = await measure([...command, ...FIRST.map(String)], FIRST.length);
  const second = await measure([...command, ...SECOND.map(String)], SECOND.length);
  await second.end();
  await first.end();
  return [...first.times, ...second.times];
}

async function atOnce(command) {
  const { times, end } = await measure(command, 1);
  await end();
  return times[0];
}

/** A program of this part in a namespace of its own, where that can be made. */
function apart(...args) {
  const inside = process.getuid() === 0 ? ['unshare', '-n'] : [];
  const [command, ...rest] = [...inside, process.execPath, self, ...args];
  return JSON.parse(execFileSync(command, rest, { encoding: 'utf8' }));
}

export async function run({ folder, runtimes }) {
  const programs = [
    { way: 'C', runtime: '', command: [compiled('reserve', folder)] },
    ...runtimes.map(({ name, command }) => ({
      way: 'bindport',
      runtime: name,
      command: [command, worker],
    })),
  ];
  const times = [];
  const each = {
    title: `each of ${HALF} to ${2 * HALF} held`,
    most: most.each,
    unit: 'ms',
    values: {},
  };
  const together = {
    why: 'a program in C that makes the same system calls is hardly faster here: see below',
    title: `reservePorts(${AT_ONCE})`,
    most: most.atOnce,
    unit: 'ms',
    values: {},
  };
  for (const { way, runtime, command } of programs) {
    progress(`reserve: ${runtime} ${way}`);
    const stretches = apart('--pair', ...command);
    ENDS.forEach((end, i) => {
      const begin = i === 0 ? 0 : ENDS[i - 1];
      const work = `reserves, of ${begin + 1} to ${end} held`;
      times.push({ work, way, runtime, ns: stretches[i] / (end - begin) });
    });
    const batch = runtime === '' ? [] : ['batch'];
    const ns = apart('--at-once', ...command, ...batch, String(AT_ONCE));
    times.push({ work: `reserves ${AT_ONCE} at once`, way, runtime, ns });
    if (runtime === '') continue;
    const late = stretches.slice(FIRST.length).reduce((sum, time) => sum + time, 0);
    each.values[runtime] = late / HALF / 1e6;
    together.values[runtime] = ns / 1e6;
  }
  progress('');
  return { times, goals: [each, together] };
}

const [mode, ...command] = process.argv.slice(2);
if (process.argv[1] === self) {
  console.log(JSON.stringify(await (mode === '--pair' ? pair : atOnce)(command)));
}
