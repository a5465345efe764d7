// What loading costs: the run of each program beside that of an empty one; `bindport find` beside a program that
// listens on port 0, and `bindport why` among 10,000 sockets. The shortest of a program's runs stands for it: it is
// what the machine needs when nothing else is in the way.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/project.mjs';
import { openCrowd } from '../crowd.mjs';
import { compiled } from '../rivals.mjs';
import { interleaved, median } from '../rounds.mjs';
import { Worker } from '../worker.mjs';

const ROUNDS = 21;

const EMPTY = 'an empty program';
const LISTEN = "node -e '….listen(0)'";
/** Milliseconds beyond the empty program; of `bindport find`, a multiple of LISTEN. */
const most = { require: 3.5, import: 10, why: 10, find: 1.15 };

/** Node's arguments by the program's name. */
function programs(folder, packages, ports) {
  const file = (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const listen =
    "const s = require('node:net').createServer().listen(0, () => { console.log(s.address().port); s.close(); })";
  const all = {
    [EMPTY]: [file('empty.cjs', '')],
    'an empty module': [file('empty.mjs', '')],
    "require('node:net')": [file('net.cjs', "require('node:net');")],
    [LISTEN]: ['-e', listen],
  };
  packages.forEach((at, i) => {
    const index = JSON.stringify(join(at, 'dist/index.js'));
    const command = join(at, 'dist/cli/main.js');
    const suffix = i === 0 ? '' : `, ${at}`;
    all[`require('bindport')${suffix}`] = [file(`require-${i}.cjs`, `require(${index});`)];
    all[`import 'bindport'${suffix}`] = [
      file(`import-${i}.mjs`, `import { reservePort } from ${index};`),
    ];
    all[`bindport find${suffix}`] = [command, 'find'];
    for (const [what, port] of Object.entries(ports)) {
      all[`bindport why, ${what}${suffix}`] = [command, 'why', String(port)];
    }
  });
  return all;
}

/** Nanoseconds that a program runs. */
async function timeProgram(starter, name, command, args) {
  const [took, status] = (await starter.ask([command, ...args].join('\t'))).split(' ').map(Number);
  // why tells by 1 that a port is not free.
  if (status !== 0 && !(status === 1 && args.includes('why'))) {
    throw new Error(`${name} has ended with ${status}`);
  }
  return took;
}

/** @param others folders of other copies of the package, built, to be compared */
export async function run({ folder, runtimes, others }) {
  const crowd = openCrowd();
  const cases = programs(folder, [root, ...others], crowd.ports);
  const starter = new Worker('', compiled('start', folder), []);
  const ways = {};
  for (const [name, args] of Object.entries(cases)) {
    for (const { name: runtime, command } of runtimes) {
      ways[`${runtime}/${name}`] = () => timeProgram(starter, name, command, args);
      // Fills the caches.
      await ways[`${runtime}/${name}`]();
    }
  }
  const took = await interleaved('load', ways, ROUNDS);
  starter.end();
  crowd.close();
  const times = runtimes.flatMap(({ name: runtime }) =>
    Object.keys(cases).map((way) => {
      const rounds = took[`${runtime}/${way}`];
      return { work: 'a program', way, runtime, ns: median(rounds), shortest: Math.min(...rounds) };
    }),
  );
  const of = (runtime, name) =>
    times.find((it) => it.runtime === runtime && it.way === name).shortest;
  const goal = (title, unit, limit, value) => {
    const values = runtimes.map(({ name }) => [name, value(name)]);
    return { title, most: limit, unit, values: Object.fromEntries(values) };
  };
  const beyond = (name, limit) =>
    goal(name, 'ms beyond an empty program', limit, (it) => (of(it, name) - of(it, EMPTY)) / 1e6);
  const goals = [
    beyond("require('bindport')", most.require),
    beyond("import 'bindport'", most.import),
    goal(
      'bindport find',
      `× ${LISTEN}`,
      most.find,
      (it) => of(it, 'bindport find') / of(it, LISTEN),
    ),
    ...Object.keys(crowd.ports).map((what) => beyond(`bindport why, ${what}`, most.why)),
  ];
  return { times, goals };
}
