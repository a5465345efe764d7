// A round trip of every feature, for runtimes that can't run the suite: Deno and Bun.
const assert = require('node:assert/strict');
const dgram = require('node:dgram');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const {
  adopt,
  bindConflicts,
  bindPort,
  constants,
  findUnusedPort,
  getOption,
  getsockopt,
  listenExclusive,
  SocketHandle,
  sendSocket,
  setOption,
  socketOptions,
  UnsafeOptionError,
} = require('bindport');

const isBun = 'bun' in process.versions;

function boundSocket(family = constants.AF_INET, type = constants.SOCK_STREAM) {
  const socket = new SocketHandle(family, type);
  return { socket, port: bindPort(socket) };
}

async function answer(port) {
  const client = net.connect(port, '127.0.0.1');
  const [data] = await once(client, 'data');
  client.destroy();
  return data.toString();
}

const checks = {
  'options by number and by name'() {
    const socket = new SocketHandle();
    assert.equal(getsockopt(socket.fd, constants.SOL_SOCKET, constants.SO_REUSEADDR), 0);
    setOption(socket, 'SO_LINGER', { enabled: true, seconds: 3 });
    assert.deepEqual(getOption(socket, 'SO_LINGER'), { enabled: true, seconds: 3 });
    assert.ok(socketOptions.size > 20);
    socket.close();
    assert.throws(() => getsockopt(1e6, 1, 1), { code: 'EBADF', syscall: 'getsockopt' });
  },
  'CPython’s rules'() {
    assert.ok(findUnusedPort() > 0);
    const socket = new SocketHandle();
    socket.setOption('SO_REUSEADDR', true);
    assert.throws(() => bindPort(socket), UnsafeOptionError);
    socket.close();
  },
  async 'sockets are sent by Node alone'() {
    const { socket } = boundSocket();
    const code = 'ERR_UNSUPPORTED_RUNTIME';
    await assert.rejects(sendSocket(process, socket), { code });
    socket.close();
  },
  async 'a net server on an adopted socket'() {
    const { socket, port } = boundSocket();
    const server = net.createServer((client) => client.end('net'));
    assert.equal((await adopt(server, socket)).port, port);
    assert.equal(getOption(server, 'SO_REUSEADDR'), false);
    assert.equal(await answer(port), 'net');
    server.close();
  },
  async 'an http server on an adopted socket'() {
    const { socket, port } = boundSocket();
    const server = http.createServer((_request, response) => response.end('http'));
    if (isBun) {
      await assert.rejects(adopt(server, socket), { code: 'ERR_UNSUPPORTED_RUNTIME' });
      assert.equal(socket.address().port, port);
      socket.close();
      return;
    }
    await adopt(server, socket);
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'http');
    server.close();
    server.closeAllConnections();
  },
  async 'a dgram socket on an adopted socket'() {
    const { socket, port } = boundSocket(constants.AF_INET, constants.SOCK_DGRAM);
    const udp = dgram.createSocket('udp4');
    await adopt(udp, socket);
    assert.equal(getOption(udp, 'SO_REUSEADDR'), false);
    const message = once(udp, 'message');
    udp.send('udp', port, '127.0.0.1');
    assert.equal((await message)[0].toString(), 'udp');
    udp.close();
  },
  async 'a port that nobody can share'() {
    const server = net.createServer((client) => client.end('exclusive'));
    const { port } = await listenExclusive(server, { host: '127.0.0.1' });
    const thief = new SocketHandle();
    thief.setOption('SO_REUSEADDR', true);
    assert.throws(() => thief.bind('127.0.0.1', port), { code: 'EADDRINUSE' });
    thief.close();
    assert.equal(await answer(port), 'exclusive');
    server.close();
  },
  async 'conflicts of binds'() {
    const table = await bindConflicts();
    assert.equal(table.default.specific.default.specific, 'EADDRINUSE');
  },
};

(async () => {
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`ok ${name}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${name}\n`, error);
    }
  }
  console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
})();
