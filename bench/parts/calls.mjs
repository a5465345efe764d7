// Every work of bench/works.mjs, in each way that there is, beside a C program that makes the same system calls.
import { join } from 'node:path';
import { SocketHandle } from '../../dist/index.js';
import { loadSource } from '../../scripts/build/source.mjs';
import { root } from '../../scripts/project.mjs';
import { compiled, floorAddon, rivals } from '../rivals.mjs';
import { interleaved, median, progress, ratio } from '../rounds.mjs';
import { Worker } from '../worker.mjs';
import { goals, works } from '../works.mjs';

const ROUNDS = 41;

/** Level, name and length of each option that an inspection of a listener reads. */
function inspectedOptions() {
  const { planFor } = loadSource('inspection/option-plan');
  const listener = new SocketHandle();
  listener.bind();
  listener.listen();
  const { calls } = planFor(listener);
  listener.close();
  return Array.from(calls, String);
}

async function startWorkers({ folder, runtimes }) {
  const floor = floorAddon(folder);
  const script = join(root, 'bench/workers/calls.mjs');
  return Promise.all([
    Worker.start('', compiled('calls', folder), inspectedOptions()),
    Worker.start('', 'python3', [join(root, 'bench/workers/calls.py')]),
    ...runtimes.map(({ name, command }) => Worker.start(name, command, [script, floor, rivals()])),
  ]);
}

/** The times of the works in nanoseconds: `work`, `way`, `runtime` (empty for none), `rounds`. */
export async function timeWorks(title, names, context) {
  const workers = await startWorkers(context);
  const found = [];
  const timed = {};
  for (const worker of workers) {
    for (const path of worker.ways) {
      const [work, way] = path.split('/');
      if (!names.includes(work)) continue;
      progress(`${title}: warming up, ${worker.runtime} ${path}`);
      await worker.warmUp(path);
      const key = `${worker.runtime} ${path}`;
      found.push({ key, work, way, runtime: worker.runtime });
      timed[key] = () => worker.time(path);
    }
  }
  const times = await interleaved(title, timed, ROUNDS);
  for (const worker of workers) worker.end();
  return found.map(({ key, ...rest }) => ({ ...rest, rounds: times[key] }));
}

/** The goals of the works that were timed, with how far each runtime is. */
export function reached(timed) {
  const named = (work, way) => timed.filter((it) => it.work === work && it.way === way);
  return goals
    .filter(({ work }) => timed.some((it) => it.work === work))
    .map(({ title, work, way, to, most, why }) => {
      const others = named(work, to);
      const values = named(work, way).map(({ runtime, rounds }) => {
        const other = others.find((it) => it.runtime === runtime) ?? others[0];
        return [runtime, ratio(rounds, other.rounds)];
      });
      return { title, most, unit: `× ${to}`, values: Object.fromEntries(values), why };
    });
}

/** The medians alone. */
export const summary = (timed) =>
  timed.map(({ rounds, ...rest }) => ({ ...rest, ns: median(rounds) }));

export async function run(context) {
  const names = Object.keys(works).filter((name) => name !== 'inspect' && name !== 'findSockets');
  const timed = await timeWorks('calls', names, context);
  return { times: summary(timed), goals: reached(timed) };
}
