// Starts programs on a reserved port beside two looping thieves, which bind and listen with SO_REUSEADDR; one is
// another user's where this one is root: node test/environments/guarded/starts.mjs [OPTION]...
//
//   --starts N          100 by default
//   --pass PASS         guarded, the default: fails unless every start is good and no thief was bound; or port
//   --host ADDRESS      where the programs listen, 127.0.0.1 by default
//   --ordinary          gives root's rights up first; what listens on a wildcard then may lose, and fails nothing
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { findSockets, reservePort } from '../../../dist/index.js';

const NOBODY = 65534;
const isRoot = process.getuid() === 0;

const { values } = parseArgs({
  options: {
    pass: { type: 'string', default: 'guarded' },
    starts: { type: 'string', default: '100' },
    ordinary: { type: 'boolean', default: false },
    host: { type: 'string', default: '127.0.0.1' },
  },
});
const starts = Number(values.starts);
const { host, ordinary, pass } = values;
if (ordinary && isRoot) {
  process.setgroups([]);
  process.setgid(NOBODY);
  process.setuid(NOBODY);
}

const folder = mkdtempSync(join(tmpdir(), 'bindport-guarded-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const fixture = (name) => new URL(`../../fixtures/reservation/${name}`, import.meta.url).pathname;

function nginx(port) {
  for (const name of ['logs', 'temp']) mkdirSync(join(folder, name), { recursive: true });
  const file = join(folder, 'nginx.conf');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    file,
    `daemon off; worker_processes 1; error_log stderr; pid ${folder}/pid; events {}\n` +
      `http { access_log off; ${paths.map((name) => `${name}_temp_path ${folder}/temp;`).join(' ')}\n` +
      `server { listen ${host}:${port}; } }\n`,
  );
  return ['nginx', ['-p', folder, '-c', file]];
}

/** Each a program that takes the port by its number: what runs it. */
const programs = {
  'Python without SO_REUSEADDR': () => ['python3', [fixture('stubborn_server.py'), '{port}', host]],
  redis: () => [
    'redis-server',
    ['--port', '{port}', '--bind', host, '--save', '', '--loglevel', 'warning'],
  ],
  node: () => [process.execPath, [fixture('echo-server.cjs'), '{port}', host]],
  'http.server': () => ['python3', ['-m', 'http.server', '{port}', '--bind', host]],
  nginx,
};

function startThief(port, options = {}) {
  const script = fixture('restless_thief.py');
  const child = spawn('python3', [script, String(port)], {
    ...options,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, next: async () => (await lines.next()).value };
}

/** Whether the program, or one that it has started, listens, and nobody else. */
async function isGood(port, child) {
  const listeners = await findSockets({ port, protocol: 'tcp', state: 'LISTEN' });
  const pids = listeners.flatMap(({ processes }) => processes.map(({ pid }) => pid));
  return pids.includes(child.pid) && listeners.length === 1;
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const reservation = reservePort();
const { port } = reservation;
const thieves = [
  startThief(port),
  startThief(port, isRoot && !ordinary ? { uid: NOBODY, gid: NOBODY } : {}),
];
for (const thief of thieves) await thief.next();

const results = new Map();
let good = 0;
const began = performance.now();
for (let i = 0; i < starts; i++) {
  const names = Object.keys(programs);
  const name = names[i % names.length];
  const [command, args] = programs[name](port);
  const child = reservation.spawn(command, args, {
    pass,
    stdio: 'ignore',
    cwd: folder,
  });
  const result = await reservation
    .ready({ timeout: 20_000 })
    .then(() => isGood(port, child))
    .then((fine) => (fine ? 'good' : 'a stranger listens'))
    .catch((error) => error.code);
  if (result === 'good') good++;
  results.set(`${name}: ${result}`, (results.get(`${name}: ${result}`) ?? 0) + 1);
  // nginx' workers end with their master only if it is asked.
  if (name === 'nginx' && child.kill('SIGTERM')) await once(child, 'exit');
  await end(child);
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
const told = [];
for (const { child, next } of thieves) {
  child.kill('SIGTERM');
  told.push(JSON.parse(await next()));
}
reservation.release();

for (const [name, count] of results) console.log(`${name}: ${count}`);
console.log(
  `${pass}, ${host}${ordinary ? ', an ordinary user' : ''}: ${good} of ${starts} starts good in ${seconds} s`,
);
for (const { tried, bound, listened } of told) {
  console.log(`thief: ${tried} tries, bound ${bound}, listened ${listened}`);
}
const strict = pass === 'guarded' && !(ordinary && host !== '127.0.0.1');
const clean = told.every(({ bound }) => bound === 0);
if (strict && !(good === starts && clean)) process.exitCode = 1;
