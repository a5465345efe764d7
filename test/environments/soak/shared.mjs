// Several processes share reserved ports, wait a random while, and then listen on them by number, beside others that
// bind and listen on random numbers of the range that the kernel chooses from, with SO_REUSEADDR: the one way to get
// a shared port. Counts how many were taken, and of how many of those `ready` said so.
//
//   node test/environments/soak/shared.mjs [--ports 20000] [--processes 4] [--binders 2] [--gap 50] [--seconds 600]
//
// --binders: processes that bind by number, each on 100 at a time. --gap: the longest wait in milliseconds. --seconds:
// when to stop at the latest. Exits 1 when a port was taken and `ready` did not say so.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** How many ports each process works on at a time. */
const LANES = 100;
const BINDER_LANES = 100;
/** Of how many ports that were had one is asked for its owner. */
const SAMPLE = 50;
/** How long `ready` may look for who has a port that could not be had, in milliseconds: then it tells. */
const LOOK = 20;
/** How long those who bind by number keep a port at the most. */
const HOLD = 500;

function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, () => resolve(server.address().port));
  });
}

const close = (server) => new Promise((resolve) => server.close(resolve));

/** Whether the server that answers on the port is the one that says this. */
async function answers(port, words) {
  const socket = connect(port, '127.0.0.1');
  const [text] = await once(socket, 'data');
  socket.destroy();
  return String(text) === words;
}

async function share(ports, gap, until) {
  const { reservePort } = (await import('../../../dist/index.js')).default;
  const { pid } = process;
  const words = `process ${pid}`;
  const counts = { ports: 0, had: 0, sampled: 0, told: 0, gone: 0, silent: [] };
  const one = async (reservation) => {
    const port = reservation.share();
    await sleep(Math.random() * gap);
    for (;;) {
      const server = createServer((client) => client.on('error', () => {}).end(words));
      const had = await listen(server, port).then(
        () => true,
        () => false,
      );
      if (had) {
        counts.had++;
        if (counts.had % SAMPLE === 0) {
          counts.sampled++;
          await reservation.ready({ pid });
          if (!(await answers(port, words))) counts.silent.push(`${port}: a stranger answers`);
        }
        return close(server);
      }
      try {
        const { address } = await reservation.ready({ pid, timeout: LOOK });
        counts.silent.push(`${port}: ready says ${address}`);
        return;
      } catch ({ code, message }) {
        if (code === 'ERR_RESERVATION_TAKEN') {
          counts.told++;
          return;
        }
        // Whoever had it has gone: it is tried again.
        if (code !== 'ERR_RESERVATION_TIMEOUT') counts.silent.push(`${port}: ${message}`);
        counts.gone++;
      }
    }
  };
  const lane = async () => {
    while (counts.ports < ports && Date.now() < until) {
      counts.ports++;
      const reservation = reservePort();
      try {
        await one(reservation);
      } finally {
        reservation.release();
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return counts;
}

async function bindByNumber() {
  const [low, high] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number);
  let binds = 0;
  let stopped = false;
  process.once('message', () => {
    stopped = true;
  });
  const lane = async () => {
    while (!stopped) {
      const server = createServer((client) => client.on('error', () => {}).end('a stranger'));
      try {
        await listen(server, low + Math.floor(Math.random() * (high - low + 1)));
        binds++;
        await sleep(Math.random() * HOLD);
        await close(server);
      } catch {
        // Somebody has it.
      }
    }
  };
  await Promise.all(Array.from({ length: BINDER_LANES }, lane));
  return binds;
}

const { values } = parseArgs({
  options: {
    ports: { type: 'string', default: '20000' },
    processes: { type: 'string', default: '4' },
    binders: { type: 'string', default: '2' },
    gap: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '600' },
    worker: { type: 'string' },
  },
});
const [ports, processes, binders, gap, seconds] = [
  'ports',
  'processes',
  'binders',
  'gap',
  'seconds',
].map((name) => Number(values[name]));

function start(worker, share) {
  const args = [
    '--worker',
    worker,
    '--ports',
    String(share),
    '--gap',
    String(gap),
    '--seconds',
    String(seconds),
  ];
  return fork(fileURLToPath(import.meta.url), args);
}

async function answerOf(child) {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a process ended with ${code}`);
  });
  const [answer] = await Promise.race([once(child, 'message'), ended]);
  return answer;
}

async function compare() {
  const begin = performance.now();
  const strangers = Array.from({ length: binders }, () => start('bind', 0));
  const sharers = Array.from({ length: processes }, () =>
    start('share', Math.ceil(ports / processes)),
  );
  const counts = await Promise.all(sharers.map(answerOf));
  const took = (performance.now() - begin) / 1000;
  for (const stranger of strangers) stranger.send('stop');
  const binds = (await Promise.all(strangers.map(answerOf))).reduce((sum, one) => sum + one, 0);
  const sum = (name) => counts.reduce((total, one) => total + one[name], 0);
  const silent = counts.flatMap((one) => one.silent);
  console.log(
    `${sum('ports')} shared ports by ${processes} processes in ${took.toFixed(0)} s, up to ${gap} ms until they listen; ` +
      `${binders} others bound ${binds} ports by number\n` +
      `had ${sum('had')} (${sum('sampled')} of them asked who answers), taken and told by ready ${sum('told')}, ` +
      `taken and given up again ${sum('gone')}, taken in silence ${silent.length}`,
  );
  for (const line of silent.slice(0, 20)) console.log(line);
  return silent.length === 0 ? 0 : 1;
}

if (values.worker === undefined) {
  process.exitCode = await compare();
} else {
  const answer =
    values.worker === 'share'
      ? await share(ports, gap, Date.now() + 1000 * seconds)
      : await bindByNumber();
  process.send(answer, () => process.disconnect());
}
