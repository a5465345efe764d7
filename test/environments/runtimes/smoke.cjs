// The black-box program: what the README promises, on whatever runtime runs it, with nothing but `bindport`.
// A line a feature: `ok NAME`, or `refused NAME CODE` where the package says that this runtime can't do it.
// TEST_LAUNCHER: what this runtime's programs are started with, as JSON.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const dgram = require('node:dgram');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const {
  adopt,
  bindConflicts,
  bindPort,
  constants,
  explainPort,
  findSockets,
  findUnusedPort,
  getOption,
  getsockopt,
  inspectSocket,
  listenExclusive,
  receiveSocket,
  reservePort,
  SocketHandle,
  sendSocket,
  setOption,
  socketOptions,
  UnsafeOptionError,
} = require('bindport');

const isNode = !('bun' in process.versions) && !('deno' in process.versions);

const programOf = (...args) => {
  const run = 'deno' in process.versions ? ['run', '-A'] : [];
  const launcher = JSON.parse(process.env.TEST_LAUNCHER ?? '[]');
  return [...launcher, process.execPath, ...run, __filename, ...args];
};

function boundSocket(family = constants.AF_INET, type = constants.SOCK_STREAM) {
  const socket = new SocketHandle(family, type);
  return { socket, port: bindPort(socket) };
}

async function answer(port, host = '127.0.0.1') {
  const client = net.connect(port, host);
  const [data] = await once(client, 'data');
  client.destroy();
  return data.toString();
}

/** The code of an error that says that the runtime, not the caller, is at fault. */
async function refusal(promise) {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (reason) => reason,
  );
  assert.equal(error.code, 'ERR_UNSUPPORTED_RUNTIME', String(error));
  return error.code;
}

/** What this program does when it is started by itself. */
const roles = {
  receive: async () => {
    const server = net.createServer((client) => client.end('child'));
    await adopt(server, await receiveSocket());
  },
  listen: (port) => {
    net.createServer((client) => client.end('program')).listen(Number(port), '127.0.0.1');
  },
};

const checks = {
  findUnusedPort() {
    assert.ok(findUnusedPort() > 0);
    assert.ok(findUnusedPort(constants.AF_INET, constants.SOCK_DGRAM) > 0);
  },
  bindPort() {
    const { socket, port } = boundSocket();
    assert.equal(socket.address().port, port);
    const second = new SocketHandle();
    assert.throws(() => second.bind('127.0.0.1', port), { code: 'EADDRINUSE', syscall: 'bind' });
    for (const handle of [socket, second]) handle.close();
  },
  'bindPort’s refusal'() {
    const socket = new SocketHandle();
    socket.setOption('SO_REUSEADDR', true);
    assert.throws(() => bindPort(socket), UnsafeOptionError);
    socket.close();
  },
  options() {
    const socket = new SocketHandle();
    assert.equal(getsockopt(socket.fd, constants.SOL_SOCKET, constants.SO_REUSEADDR), 0);
    setOption(socket, 'SO_LINGER', { enabled: true, seconds: 3 });
    assert.deepEqual(getOption(socket, 'SO_LINGER'), { enabled: true, seconds: 3 });
    assert.ok(socketOptions.size > 20);
    socket.close();
    assert.throws(() => getsockopt(1e6, 1, 1), { code: /^(?:EBADF|ENOTSOCK)$/ });
  },
  async 'adopt: net'() {
    const { socket, port } = boundSocket();
    const server = net.createServer((client) => client.end('net'));
    assert.equal((await adopt(server, socket)).port, port);
    assert.equal(getOption(server, 'SO_REUSEADDR'), false);
    assert.equal(await answer(port), 'net');
    server.close();
  },
  async 'adopt: http'() {
    const { socket, port } = boundSocket();
    const server = http.createServer((_request, response) => response.end('http'));
    if ('bun' in process.versions) {
      const code = await refusal(adopt(server, socket));
      assert.equal(socket.address().port, port);
      socket.close();
      return code;
    }
    await adopt(server, socket);
    const request = http.get({ host: '127.0.0.1', port, agent: false });
    const [response] = await once(request, 'response');
    assert.equal((await once(response, 'data'))[0].toString(), 'http');
    server.close();
  },
  async 'adopt: dgram'() {
    const { socket, port } = boundSocket(constants.AF_INET, constants.SOCK_DGRAM);
    const udp = dgram.createSocket('udp4');
    await adopt(udp, socket);
    assert.equal(getOption(udp, 'SO_REUSEADDR'), false);
    const message = once(udp, 'message');
    udp.send('udp', port, '127.0.0.1');
    assert.equal((await message)[0].toString(), 'udp');
    udp.close();
  },
  async listenExclusive() {
    const server = net.createServer((client) => client.end('exclusive'));
    const { port } = await listenExclusive(server, { host: '127.0.0.1' });
    const thief = new SocketHandle();
    thief.setOption('SO_REUSEADDR', true);
    assert.throws(() => thief.bind('127.0.0.1', port), { code: /^(?:EADDRINUSE|EACCES)$/ });
    thief.close();
    assert.equal(await answer(port), 'exclusive');
    server.close();
  },
  async bindConflicts() {
    const table = await bindConflicts();
    assert.equal(table.default.specific.default.specific, 'EADDRINUSE');
  },
  async 'reservation: listen'() {
    const reservation = reservePort();
    const { port } = reservation;
    const thief = new SocketHandle();
    thief.setOption('SO_REUSEADDR', true);
    assert.throws(() => {
      thief.bind('127.0.0.1', port);
      thief.listen(1);
    });
    thief.close();
    const server = net.createServer((client) => client.end('reserved'));
    await reservation.listen(server);
    assert.equal(await answer(port), 'reserved');
    server.close();
    reservation.release();
  },
  async 'reservation: localhost'() {
    const reservation = reservePort({ host: 'localhost' });
    const server = net.createServer((client) => client.end('both'));
    await reservation.listen(server);
    for (const host of reservation.addresses) {
      assert.equal(await answer(reservation.port, host), 'both');
    }
    server.close();
    await once(server, 'close');
    for (const host of reservation.addresses) {
      await assert.rejects(answer(reservation.port, host), { code: 'ECONNREFUSED' });
    }
    reservation.release();
  },
  async 'reservation: spawn'() {
    const reservation = reservePort();
    const [command, ...args] = programOf('listen', '{port}');
    const child = reservation.spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const exit = once(child, 'exit');
    await reservation.ready();
    assert.equal(await answer(reservation.port), 'program');
    child.kill('SIGKILL');
    await exit;
    reservation.release();
  },
  async sendSocket() {
    const { socket, port } = boundSocket();
    if (!isNode) {
      const code = await refusal(sendSocket(process, socket));
      socket.close();
      return code;
    }
    socket.listen();
    const [command, ...args] = programOf('receive');
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const exit = once(child, 'exit');
    await sendSocket(child, socket);
    assert.equal(await answer(port), 'child');
    child.kill('SIGKILL');
    await exit;
  },
  inspectSocket() {
    const { socket, port } = boundSocket();
    socket.setOption('SO_KEEPALIVE', true);
    const report = inspectSocket(socket);
    assert.equal(report.local.port, port);
    assert.equal(report.options.SO_KEEPALIVE, true);
    socket.close();
  },
  async findSockets() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const [found] = await findSockets({ port: server.address().port, state: 'LISTEN' });
    assert.equal(found?.local.port, server.address().port);
    server.close();
  },
  async explainPort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    const taken = await explainPort(port, { host: '127.0.0.1' });
    assert.equal(taken.free, false);
    assert.equal(taken.causes[0]?.cause, 'listening');
    server.close();
    await once(server, 'close');
    assert.equal((await explainPort(port, { host: '127.0.0.1' })).free, true);
  },
};

async function main() {
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      const code = await check();
      console.log(code === undefined ? `ok ${name}` : `refused ${name} ${code}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${name}\n`, error);
    }
  }
  process.exit(failed === 0 ? 0 : 1);
}

const [role, ...args] = process.argv.slice(2);
if (role === undefined) main();
else roles[role](...args);
