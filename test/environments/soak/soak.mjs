// Several processes get ports, wait a random while, and then listen on them, with outgoing loopback
// connections as noise. Prints in how many cases somebody else had the port by then, for bindport, for
// get-port and for listen(0) + close.
//
//   node test/environments/soak/soak.mjs [--ports 50000] [--peer-ports 16000] [--processes 8] [--gap 50]
//
// --ports: how many ports each way gets in all; the two others at the most --peer-ports, because theirs
// are slow. --gap: the longest wait in milliseconds. Exits 1 when bindport has a collision.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** How many ports each process works on at a time. */
const LANES = 200;
/** Outgoing connections that each process keeps opening. */
const NOISE = 4;

const ways = {
  bindport: async () => {
    const { reservePort } = (await import('../../../dist/index.js')).default;
    return async () => {
      const reservation = reservePort();
      return { port: reservation.share(), done: () => reservation.release() };
    };
  },
  'get-port': async () => {
    const { default: getPort } = await import('get-port');
    return async () => ({ port: await getPort(), done: () => {} });
  },
  'listen(0) + close': async () => async () => {
    const server = createServer();
    const port = await listen(server, 0);
    await close(server);
    return { port, done: () => {} };
  },
};

function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, () => resolve(server.address().port));
  });
}

function close(server) {
  return new Promise((resolve) => server.close(resolve));
}

/** Who has the port, on Linux: local and remote address, state and user of each of its sockets. */
function holders(port) {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const found = [];
  for (const table of ['tcp', 'tcp6']) {
    try {
      for (const line of readFileSync(`/proc/net/${table}`, 'latin1').split('\n')) {
        const [, local, remote, state, , , , user] = line.trim().split(/\s+/);
        if (local?.endsWith(ending)) found.push(`${local} ${remote} state ${state} user ${user}`);
      }
    } catch {
      // Not Linux.
    }
  }
  return found.join(', ');
}

async function makeNoise(target, stopped) {
  while (!stopped()) {
    await new Promise((resolve) => {
      const socket = connect({ port: target, host: '127.0.0.1' });
      // A reset leaves nothing in TIME_WAIT: a long run would fill the range with it.
      socket.on('connect', () => setTimeout(() => socket.resetAndDestroy(), Math.random() * 20));
      socket.on('error', () => {}).on('close', resolve);
    });
  }
}

async function work(way, ports, gap) {
  const get = await ways[way]();
  const sink = createServer((socket) => socket.on('error', () => {}).resume());
  const target = await listen(sink, 0);
  let left = ports;
  let stopped = false;
  const noise = Array.from({ length: NOISE }, () => makeNoise(target, () => stopped));
  const collisions = [];
  const lane = async () => {
    while (left-- > 0) {
      const { port, done } = await get();
      await sleep(Math.random() * gap);
      const server = createServer();
      try {
        await listen(server, port);
        await close(server);
      } catch (error) {
        collisions.push(`${port}: ${error.code} ${holders(port)}`);
      }
      done();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  stopped = true;
  await Promise.all(noise);
  await close(sink);
  return collisions;
}

async function compare({ ports, peerPorts, processes, gap }) {
  let failed = false;
  console.log(`${processes} processes, up to ${gap} ms between getting a port and listening\n`);
  console.log('way                    ports  collisions          s');
  for (const way of Object.keys(ways)) {
    const total = way === 'bindport' ? ports : Math.min(ports, peerPorts);
    const each = Math.ceil(total / processes);
    const start = performance.now();
    const children = Array.from({ length: processes }, () =>
      fork(fileURLToPath(import.meta.url), [
        '--worker',
        way,
        '--ports',
        String(each),
        '--gap',
        String(gap),
      ]),
    );
    const results = await Promise.all(
      children.map(async (child) => {
        const [answer] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
        if (!Array.isArray(answer)) throw new Error(`a process of ${way} ended: ${answer}`);
        return answer;
      }),
    );
    const collisions = results.flat();
    const seconds = (performance.now() - start) / 1000;
    const rate = `${collisions.length} (${((100 * collisions.length) / (each * processes)).toFixed(2)} %)`;
    console.log(
      `${way.padEnd(18)} ${String(each * processes).padStart(9)} ${rate.padStart(15)} ${seconds.toFixed(1).padStart(6)}`,
    );
    if (way === 'bindport' && collisions.length > 0) {
      failed = true;
      console.log(collisions.slice(0, 20).join('\n'));
    }
  }
  return failed ? 1 : 0;
}

const { values } = parseArgs({
  options: {
    ports: { type: 'string', default: '50000' },
    'peer-ports': { type: 'string', default: '16000' },
    processes: { type: 'string', default: '8' },
    gap: { type: 'string', default: '50' },
    worker: { type: 'string' },
  },
});

const gap = Number(values.gap);
if (values.worker === undefined) {
  process.exitCode = await compare({
    ports: Number(values.ports),
    peerPorts: Number(values['peer-ports']),
    processes: Number(values.processes),
    gap,
  });
} else {
  const collisions = await work(values.worker, Number(values.ports), gap);
  process.send(collisions, () => process.disconnect());
}
