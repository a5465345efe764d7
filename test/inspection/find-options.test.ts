import { describe, expect, onTestFinished, test } from 'vitest';
import { constants, findSockets, inspectSocket, SocketHandle } from '../../src/index';
import { startHolder } from '../support/holder';
import { linuxOnly } from '../support/platform';
import { rejection } from '../support/thrown';

function listener(family = constants.AF_INET): SocketHandle {
  const socket = new SocketHandle(family);
  onTestFinished(() => socket.close());
  if (family === constants.AF_UNIX) socket.bind(`\0bindport options ${process.pid}`);
  else socket.bind();
  socket.listen(3);
  return socket;
}

describe('the options of found sockets', linuxOnly('other systems find fewer descriptors'), () => {
  test('of this process are those that inspectSocket reads', async () => {
    const socket = listener();
    socket.setOption('SO_KEEPALIVE', true);
    const [found] = await findSockets({ port: socket.address().port, options: true });
    const { options, changed } = inspectSocket(socket);
    expect(found).toMatchObject({ changed, unseen: [] });
    expect(changed).toContain('SO_KEEPALIVE');
    // It is the clock.
    const { TCP_TIMESTAMP: _, ...steady } = options;
    expect(found?.options).toMatchObject(steady);
    expect(Object.keys(found?.options ?? {})).toEqual(Object.keys(options));
  });

  test('of another process are read, and the socket is left to it', async () => {
    const { port, pid, fd } = await startHolder();
    const [found] = await findSockets({ port, options: true });
    expect(found).toMatchObject({
      processes: [{ pid, fd }],
      options: { SO_REUSEADDR: true, SO_ACCEPTCONN: true, SO_COOKIE: found?.cookie },
      changed: ['SO_REUSEADDR'],
      unseen: [],
    });
    expect(await findSockets({ port, options: true, processes: 'first' })).toMatchObject([
      { changed: ['SO_REUSEADDR'] },
    ]);
  });

  test('of a process whose main thread has ended are read through another one', async () => {
    const { port } = await startHolder('thread');
    const [found] = await findSockets({ port, options: true });
    expect(found).toMatchObject({ changed: ['SO_REUSEADDR'], unseen: [] });
  });

  test('of Unix sockets are read, too', async () => {
    const { fd } = listener(constants.AF_UNIX);
    const query = { pid: process.pid, protocol: 'unix', state: 'LISTEN', options: true } as const;
    const found = await findSockets(query);
    const [ours] = found.filter(({ processes }) => processes.some((one) => one.fd === fd));
    expect(ours?.options).toMatchObject({ SO_ACCEPTCONN: true, SO_PASSCRED: false });
  });

  test('are absent of a socket that nobody has any more, and nothing is unseen', async () => {
    const server = listener();
    const client = new SocketHandle();
    client.connect('127.0.0.1', server.address().port);
    const accepted = server.accept();
    const { port } = server.address();
    accepted.close();
    client.close();
    const found = await findSockets({ port, state: 'TIME_WAIT', options: true });
    expect(found).toMatchObject([{ processes: [], unseen: [] }]);
    expect(found[0]).not.toHaveProperty('options');
  });

  test('are read on request only', async () => {
    const [found] = await findSockets({ port: listener().address().port });
    expect(found).not.toHaveProperty('options');
    expect(found).not.toHaveProperty('changed');
  });

  test('leave no descriptor of the socket open', async () => {
    const { port } = await startHolder();
    const [found] = await findSockets({ port, options: true });
    expect(found?.options).toBeDefined();
    const ours = await findSockets({ pid: process.pid });
    expect(ours.map(({ inode }) => inode)).not.toContain(found?.inode);
  });
});

test('options need processes, and are a boolean', async () => {
  const error = async (query: object) => await rejection(findSockets(query));
  expect(await error({ options: 1 })).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  expect(await error({ options: true, processes: 'none' })).toMatchObject({
    code: 'ERR_INVALID_ARG_VALUE',
    message: expect.stringContaining("processes: 'none'"),
  });
});
