// What loading costs: the run of each program beside that of an empty one, in milliseconds, `bindport find` as a
// multiple of a program that listens on port 0, and `bindport why` among 10,000 sockets. Medians of interleaved
// rounds, and the shortest of each, which tells more on a busy machine.
//
//   node bench/load-cost.mjs [FOLDER]    FOLDER: another copy of the package, built, to be compared
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SocketHandle } from '../dist/index.js';
import { root } from '../scripts/project.mjs';

const ROUNDS = 41;
const SOCKETS = 10_000;

const EMPTY = 'an empty program';
const NET = 'node -e "….listen(0)"';

/** Sockets that fill the machine's tables, and the ports that `why` is asked about. */
function holdSockets() {
  const held = [];
  const open = (listens) => {
    const socket = new SocketHandle();
    held.push(socket);
    socket.bind();
    if (listens) socket.listen();
    return socket;
  };
  const unused = open(false);
  const crowded = open(true);
  const ports = {
    'a free port': unused.address().port,
    'a listener': open(true).address().port,
    'a bound socket': open(false).address().port,
    'thousands of connections': crowded.address().port,
  };
  unused.close();
  while (held.length < SOCKETS) {
    const client = new SocketHandle();
    client.connect('127.0.0.1', crowded.address().port);
    held.push(client, crowded.accept());
  }
  return { held, ports };
}

/** What is run, by its name: Node's arguments, and what it is compared with. */
function programs(folder, packages, ports) {
  const file = (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const listen = `const server = require('node:net').createServer().listen(0, () => {
    console.log(server.address().port);
    server.close();
  });`;
  const all = {
    [EMPTY]: { args: [file('empty.cjs', '')] },
    'an empty module': { args: [file('empty.mjs', '')], beside: EMPTY },
    "require('node:net')": { args: [file('net.cjs', "require('node:net');")], beside: EMPTY },
    [NET]: { args: ['-e', listen], beside: EMPTY },
  };
  packages.forEach((at, i) => {
    const index = JSON.stringify(join(at, 'dist/index.js'));
    const command = join(at, 'dist/cli/main.js');
    const add = (name, beside, ...args) => {
      all[`${name}${i === 0 ? '' : `, ${at}`}`] = { args, beside };
    };
    add("require('bindport')", EMPTY, file(`require-${i}.cjs`, `require(${index});`));
    const imports = `import { reservePort } from ${index};`;
    add("import 'bindport'", EMPTY, file(`import-${i}.mjs`, imports));
    add('bindport find', NET, command, 'find');
    for (const [what, port] of Object.entries(ports)) {
      add(`bindport why: ${what}`, EMPTY, command, 'why', String(port));
    }
  });
  return all;
}

function measure(cases) {
  const took = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  // The first round fills the caches.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, { args }] of Object.entries(cases)) {
      const start = process.hrtime.bigint();
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      const time = Number(process.hrtime.bigint() - start) / 1e6;
      // why tells by 1 that a port is not free.
      if (status === null || status > 1 || stderr !== '') throw new Error(`${name}: ${stderr}`);
      if (round > 0) took[name].push(time);
    }
  }
  return took;
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const cell = (number) => number.toFixed(1).padStart(9);

function print(cases, took) {
  console.log(`${''.padEnd(40)}  median shortest   median shortest    ratio`);
  console.log(`${'ms'.padEnd(60)}beyond ${EMPTY}; or as a multiple`);
  for (const [name, { beside }] of Object.entries(cases)) {
    const [middle, shortest] = [median(took[name]), Math.min(...took[name])];
    let line = `${name.padEnd(40)}${cell(middle)}${cell(shortest)}`;
    if (beside !== undefined) {
      const empty = took[EMPTY];
      line += cell(middle - median(empty)) + cell(shortest - Math.min(...empty));
      line += `${(middle / median(took[beside])).toFixed(2).padStart(9)} × ${beside}`;
    }
    console.log(line);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'bindport-bench-'));
const { held, ports } = holdSockets();
try {
  const cases = programs(folder, [root, ...process.argv.slice(2).map((at) => resolve(at))], ports);
  print(cases, measure(cases));
} finally {
  for (const socket of held) socket.close();
  rmSync(folder, { recursive: true });
}
