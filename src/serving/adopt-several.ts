import type { AddressInfo, Server } from 'node:net';
import { joinListeners } from '../base/node-handles';
import { node } from '../base/node-modules';
import type { SocketHandle } from '../socket/socket-handle';
import { type AdoptOptions, adoptStream } from './adopt';

/**
 * Has one server serve several sockets that listen, as `adopt` has it serve one. Its address is the first one's.
 *
 * @throws (rejects) as `adopt`; the sockets that it had taken by then are closed
 */
export async function adoptSeveral(
  server: Server,
  [first, ...others]: readonly [SocketHandle, ...SocketHandle[]],
  options: AdoptOptions,
): Promise<AddressInfo> {
  const helpers: Server[] = [];
  const closeHelpers = () => {
    for (const helper of helpers) helper.close();
  };
  try {
    for (const socket of others) {
      // What comes before the handles are joined, and in Bun, which has none, everything.
      const helper = new node.net.Server((client) => server.emit('connection', client));
      await adoptStream(helper, socket, options, true);
      helpers.push(helper);
    }
    const address = await adoptStream(server, first, options, true);
    // A 'listening' listener may have closed it.
    if (!server.listening) closeHelpers();
    else if (!helpers.every((helper) => joinListeners(server, helper))) {
      server.once('close', closeHelpers);
    }
    return address;
  } catch (error) {
    closeHelpers();
    throw error;
  }
}
