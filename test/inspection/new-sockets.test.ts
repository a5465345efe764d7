import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { dist } from '../support/paths';
import { unixOnly } from '../support/platform';

/** Inspects a socket while no descriptor is left to open, and once more when there is. */
const script = `
const { SocketHandle, constants, inspectSocket } = require(process.argv[1]);
const socket = new SocketHandle();
socket.setOption('SO_KEEPALIVE', true);
// Of another kind: its code is loaded, which takes a descriptor.
inspectSocket(new SocketHandle(constants.AF_INET, constants.SOCK_DGRAM));
const others = [];
let code;
while (code === undefined) {
  try {
    others.push(new SocketHandle());
  } catch (error) {
    code = error.code;
  }
}
const without = inspectSocket(socket);
for (const other of others) other.close();
const { changed, defaults } = inspectSocket(socket);
console.log(JSON.stringify({ code, keepAlive: without.options.SO_KEEPALIVE, without: without.changed, changed, defaults }));
`;

test(
  'a new socket that could not be made for want of descriptors is made the next time',
  unixOnly('no limit of descriptors'),
  () => {
    const command = 'ulimit -n 64 && exec "$0" -e "$1" "$2"';
    const arguments_ = ['-c', command, process.execPath, script, dist];
    const output = execFileSync('sh', arguments_, { encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual({
      code: 'EMFILE',
      keepAlive: true,
      changed: ['SO_KEEPALIVE'],
      defaults: { SO_KEEPALIVE: false },
    });
  },
);
