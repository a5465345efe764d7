// A redis-server for the tests of this file, without a container: its port is known before it starts,
// and stays the same when it is restarted.
import assert from 'node:assert';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { reservePort } from 'bindport';

const reservation = reservePort();
after(() => reservation.release());

async function startRedis() {
  const args = ['--port', '{port}', '--save', '', '--bind', '127.0.0.1'];
  const redis = reservation.spawn('redis-server', args, { stdio: 'ignore' });
  await reservation.ready();
  return redis;
}

async function ping() {
  const socket = connect(reservation.port, '127.0.0.1');
  socket.write('PING\r\n');
  const [answer] = await once(socket, 'data');
  socket.destroy();
  return String(answer);
}

test('answers, is killed, and answers again on the same port', async () => {
  for (let round = 0; round < 2; round++) {
    const redis = await startRedis();
    assert.equal(await ping(), '+PONG\r\n');
    redis.kill('SIGKILL');
    await once(redis, 'exit');
  }
});
