// What a bundled program does: a server on a bound socket, a reserved port, and the parts that are loaded late.
const http = require('node:http');
const net = require('node:net');
const {
  adopt,
  bindPort,
  explainPort,
  getOption,
  inspectSocket,
  reservePort,
  SocketHandle,
} = require('bindport');

async function main() {
  const socket = new SocketHandle();
  const port = bindPort(socket);
  const server = http.createServer((_request, response) => response.end('served'));
  await adopt(server, socket);
  if (getOption(server, 'SO_REUSEADDR') !== false) throw new Error('another socket');
  if (inspectSocket(server).local.port !== port) throw new Error('another port');
  if ((await explainPort(port, { host: '127.0.0.1' })).free) throw new Error('a free port');
  const reservation = reservePort();
  const other = net.createServer();
  await reservation.listen(other);
  other.close();
  reservation.release();
  http.get({ host: '127.0.0.1', port, agent: false }, (response) => {
    response.on('data', (text) => console.log(`${text}`));
    server.close();
  });
}

main();
