'use strict';
// Takes every socket that is sent, and sends one when it is told to.
const { SocketHandle, receiveSocket, sendSocket } = require('../../..');

(async () => {
  for (;;) (await receiveSocket()).close();
})().catch(() => {});
process.on('message', () => {
  const handle = new SocketHandle();
  handle.bind();
  sendSocket(process, handle).catch(() => handle.close());
});
process.send('ready');
