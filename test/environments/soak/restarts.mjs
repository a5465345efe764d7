// Starts a server on a preferred port again and again, each time in a new process and at once when the last one has
// ended, while keep-alive clients leave connections behind (TIME_WAIT, FIN_WAIT2) and thieves try to get in with
// SO_REUSEADDR for as long as the port is somebody's. Between two starts it is nobody's: they rest then.
//
//   node test/environments/soak/restarts.mjs [--starts 200] [--clients 4] [--thieves 2] [--way listen|activate|number]
//
// --way: a server of the process that reserves; or a program of `bindport run`, with --activate or by its number. By
// its number a program can be overtaken until it listens (docs/reservations.md): there they attack from then on.
// Exits 1 unless every start had the same port and nobody got in.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const bindport = path('../../../dist/index.js');
const command = path('../../../dist/cli/main.js');
const looter = path('../../fixtures/reservation/looping_thief.py');

/** An HTTP server that says when it listens. On a descriptor where it was given one. */
const server = `
  require('http').createServer((request, response) => response.end('mine'))
    .listen(process.env.LISTEN_FDS ? { fd: 3 } : process.env.PORT, () => console.log('listens'));`;

const ways = {
  listen: (port) => [
    '-e',
    `const { reservePort } = require(${JSON.stringify(bindport)});
     const reservation = reservePort({ port: ${port} });
     console.error('port %d is held', reservation.port);
     const server = require('http').createServer((request, response) => response.end('mine'));
     // Once the thieves have begun.
     process.stdin.once('data', () => reservation.listen(server).then(() => console.log('listens')));`,
  ],
  activate: (port) => [
    command,
    'run',
    '--port',
    port,
    '--activate',
    '--',
    process.execPath,
    '-e',
    server,
  ],
  number: (port) => [command, 'run', '--port', port, '--', process.execPath, '-e', server],
};

const { values } = parseArgs({
  options: {
    starts: { type: 'string', default: '200' },
    clients: { type: 'string', default: '4' },
    thieves: { type: 'string', default: '2' },
    way: { type: 'string', default: 'listen' },
  },
});
const argumentsOf = ways[values.way];
if (argumentsOf === undefined) throw new Error(`--way is one of ${Object.keys(ways).join(', ')}`);

/** A program whose output is read line by line. */
function start(program, args, options) {
  const child = spawn(program, args, options);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value };
}

async function startThief() {
  const thief = start('python3', [looter], { stdio: ['pipe', 'pipe', 'inherit'] });
  await thief.line();
  const tell = (text) => {
    thief.child.stdin.write(`${text}\n`);
    return thief.line();
  };
  return {
    attack: (port) => tell(`attack ${port}`),
    rest: () => tell('rest'),
    end: () => thief.child.kill(),
  };
}

/** Asks for something and keeps the connection. */
async function visit(port) {
  const client = connect(port, '127.0.0.1').on('error', () => {});
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [answer] = await once(client, 'data');
  return { client: client.resume(), mine: String(answer).endsWith('mine') };
}

/** The port that the process says it holds, on standard error. */
function heldPort(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
      const found = /port (\d+) is held/.exec(text);
      if (found) resolve(Number(found[1]));
    });
    child.once('exit', () => reject(new Error(`it ended: ${text}`)));
  });
}

const { reservePort } = (await import('../../../dist/index.js')).default;
const free = reservePort({ port: Array.from({ length: 1000 }, (_, i) => 20_000 + i) });
const port = free.port;
free.release();

const thieves = await Promise.all(Array.from({ length: Number(values.thieves) }, startThief));
const attack = () => Promise.all(thieves.map((thief) => thief.attack(port)));
const total = { starts: 0, samePort: 0, stolen: 0, strangers: 0, tries: 0, remainders: 0 };
let clients = [];
const begin = performance.now();
for (; total.starts < Number(values.starts); total.starts++) {
  const env = { ...process.env, NODE_DEBUG: 'bindport' };
  const { child, line } = start(process.execPath, argumentsOf(String(port)), { env });
  const exit = once(child, 'exit');
  const held = await heldPort(child);
  if (values.way !== 'number') await attack();
  child.stdin.write('listen\n');
  const listens = (await line()) === 'listens';
  if (values.way === 'number') await attack();
  if (held === port) total.samePort++;
  for (const { client } of clients) client.destroy();
  const visits = listens
    ? await Promise.all(Array.from({ length: Number(values.clients) }, () => visit(held)))
    : [];
  clients = visits;
  total.strangers += listens ? visits.filter(({ mine }) => !mine).length : 1;
  const loot = await Promise.all(thieves.map((thief) => thief.rest()));
  total.stolen += loot.filter((answer) => answer.endsWith(' in')).length;
  total.tries += loot.reduce((sum, answer) => sum + Number.parseInt(answer, 10), 0);
  // The clients keep their ends open: this side closes first.
  child.kill(total.starts % 2 ? 'SIGINT' : 'SIGTERM');
  await exit;
}
for (const { client } of clients) client.destroy();
for (const thief of thieves) thief.end();
const seconds = ((performance.now() - begin) / 1000).toFixed(1);
console.log(
  `${values.way}: ${total.starts} starts, ${total.samePort} on the same port, ${total.stolen} stolen, ` +
    `${total.strangers} answered by a stranger; ${values.thieves} thieves tried ${total.tries} times; ${seconds} s`,
);
const good = total.samePort === total.starts && total.stolen === 0 && total.strangers === 0;
process.exitCode = good ? 0 : 1;
