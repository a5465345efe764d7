// The main job on real input: npm start
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import {
  adopt,
  bindPort,
  constants,
  getOption,
  HOST,
  SocketHandle,
  socketOptions,
  UnsafeOptionError,
} from 'bindport';

const colour = (name, text) => (process.stdout.isTTY ? styleText(name, text) : text);
const step = (title) => console.log(`\n${colour('bold', title)}`);
const show = (text) => console.log(`   ${text}`);

step('1. A raw socket, and what it is set to');
const socket = new SocketHandle(constants.AF_INET, constants.SOCK_STREAM);
show(`descriptor ${socket.fd}; ${socketOptions.size} named options on this platform, such as`);
for (const name of [
  'SO_REUSEADDR',
  'SO_REUSEPORT',
  'SO_EXCLUSIVEADDRUSE',
  'SO_RCVBUF',
  'SO_LINGER',
]) {
  if (socketOptions.has(name)) show(`${name.padEnd(20)} ${JSON.stringify(socket.getOption(name))}`);
}

step('2. A socket whose port others could share is refused');
const unsafe = new SocketHandle();
unsafe.setOption('SO_REUSEADDR', true);
try {
  bindPort(unsafe);
} catch (error) {
  if (!(error instanceof UnsafeOptionError)) throw error;
  show(`${error.name}: ${error.message}`);
}
unsafe.close();

step('3. bindPort takes a free port, exclusively');
const port = bindPort(socket);
show(`bound to ${HOST}:${port}`);

step("4. Node's own http server serves on that very socket");
const server = createServer((_request, response) => response.end('hello from the adopted socket'));
await adopt(server, socket);
const [response] = await once(get(`http://${HOST}:${port}/`), 'response');
show(`GET http://${HOST}:${port}/ -> ${response.statusCode} "${await text(response)}"`);
show(
  `SO_REUSEADDR is ${getOption(server, 'SO_REUSEADDR')} here; a server that Node binds itself has it on (Unix)`,
);

step('5. A second program tries to take the port');
const thief = `
  const { SocketHandle, socketOptions } = require('bindport');
  for (const options of [[], ['SO_REUSEADDR'], ['SO_REUSEADDR', 'SO_REUSEPORT']]) {
    if (!options.every((name) => socketOptions.has(name))) continue;
    const socket = new SocketHandle();
    for (const name of options) socket.setOption(name, true);
    const how = options.join(' and ') || 'no option';
    try {
      socket.bind('${HOST}', ${port});
      console.log(how + ': TAKEN');
      process.exitCode = 1;
    } catch (error) {
      console.log(how + ': ' + error.message);
    }
    socket.close();
  }`;
const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', thief], {
  cwd: fileURLToPath(new URL('.', import.meta.url)),
  encoding: 'utf8',
});
for (const line of stdout.trim().split('\n')) show(`with ${line}`);
server.close();
server.closeAllConnections();

const refused = status === 0;
step(
  refused
    ? colour('green', 'The port stayed ours.')
    : colour('red', `It was not refused. ${stderr}`),
);
process.exitCode = refused ? 0 : 1;
