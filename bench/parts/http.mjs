// How many requests a second an http server answers on a socket that it adopted, beside one that listens as usual.
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { root } from '../../scripts/project.mjs';
import { interleaved, median, ratio } from '../rounds.mjs';
import { Worker } from '../worker.mjs';

const ROUNDS = 31;
const CONNECTIONS = 16;
const REQUESTS = 2000;
/** 1.00, within what the same server's runs differ by. */
const LEAST = 0.98;
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** Nanoseconds until so many answers have come, each connection asking when it has one. */
async function load(connections, answerLength) {
  let left = REQUESTS - CONNECTIONS;
  const start = process.hrtime.bigint();
  await Promise.all(
    connections.map(
      (connection) =>
        new Promise((resolve) => {
          let received = 0;
          const onData = ({ length }) => {
            received += length;
            if (received < answerLength) return;
            received -= answerLength;
            if (left-- > 0) connection.write(REQUEST);
            else {
              connection.off('data', onData);
              resolve();
            }
          };
          connection.on('data', onData).write(REQUEST);
        }),
    ),
  );
  return Number(process.hrtime.bigint() - start) / REQUESTS;
}

async function open(port) {
  const connections = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'));
  await Promise.all(connections.map((connection) => once(connection, 'connect')));
  // How long an answer is.
  connections[0].write(REQUEST);
  const [answer] = await once(connections[0], 'data');
  return { connections, length: answer.length };
}

export async function run({ runtimes }) {
  const workers = [];
  const ways = {};
  for (const { name, command } of runtimes) {
    const worker = await Worker.start(name, command, [join(root, 'bench/workers/http.mjs')]);
    workers.push(worker);
    for (const [way, port] of Object.entries(worker.ways)) {
      const { connections, length } = await open(port);
      ways[`${name}/${way}`] = () => load(connections, length);
      for (let i = 0; i < 3; i++) await load(connections, length);
    }
  }
  const took = await interleaved('http', ways, ROUNDS);
  for (const worker of workers) worker.end();
  const times = Object.entries(took).map(([key, rounds]) => {
    const [runtime, way] = key.split('/');
    return { work: 'an http request', way, runtime, ns: median(rounds) };
  });
  const values = runtimes.map(({ name }) => [
    name,
    ratio(took[`${name}/listen(0)`], took[`${name}/adopt`]),
  ]);
  const throughput = {
    title: 'http requests a second, adopt',
    least: LEAST,
    unit: '× listen(0)',
  };
  return { times, goals: [{ ...throughput, values: Object.fromEntries(values) }] };
}
