/** A descriptor has one owner, whoever else knows its number. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { adopt, bindPort, constants, getsockopt, SocketHandle } from '../../src/index';
import { reuse } from '../support/descriptors';
import { nodeDescriptor } from '../support/node-descriptor';
import { listening, portOf, serverSaying } from '../support/servers';
import { rejection, systemErrorLike } from '../support/thrown';

const { AF_INET, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } = constants;

const owner = () => serverSaying('owner');
const answerOf = (port: number) => text(connect(port, '127.0.0.1'));

describe('a descriptor is opened once', () => {
  /** An attempt on a server's descriptor fails, and leaves the server as it was. */
  async function expectUntouched(fd: number, port: number, attempt: () => Promise<unknown>) {
    expect(await rejection(attempt())).toMatchObject(systemErrorLike('open', 'EEXIST'));
    // What a second handle would close is closed in a later turn.
    await new Promise(setImmediate);
    expect(getsockopt(fd, SOL_SOCKET, constants.SO_TYPE)).toBe(SOCK_STREAM);
    expect(await answerOf(port)).toBe('owner');
  }

  test('by number, again', async () => {
    const fd = new SocketHandle().detach();
    const port = bindPort(fd);
    await adopt(owner(), fd);
    await expectUntouched(fd, port, () => adopt(owner(), fd));
  });

  test('through a second SocketHandle', async () => {
    const first = new SocketHandle();
    const port = bindPort(first);
    const { fd } = first;
    await adopt(owner(), first);
    const second = SocketHandle.from(fd);
    await expectUntouched(fd, port, () => adopt(owner(), second));
    expect(second.closed).toBe(false);
    second.detach();
  });

  test("by the number of Node's own server", async () => {
    const server = await listening(owner());
    const fd = nodeDescriptor(server);
    await expectUntouched(fd, portOf(server), () => adopt(owner(), fd));
  });

  test('after transfer(), before anybody listens', async () => {
    const first = new SocketHandle();
    const port = bindPort(first);
    const { fd } = first;
    const target = first.transfer();
    expect(await rejection(adopt(owner(), fd))).toMatchObject(systemErrorLike('open', 'EEXIST'));
    const server = owner().listen(target);
    await once(server, 'listening');
    expect(await answerOf(port)).toBe('owner');
  });

  test('a UDP one, too', async () => {
    const handle = new SocketHandle(AF_INET, SOCK_DGRAM);
    bindPort(handle);
    const { fd } = handle;
    const [first, second] = [createSocket('udp4'), createSocket('udp4')];
    await adopt(first, handle);
    expect(await rejection(adopt(second, fd))).toMatchObject(systemErrorLike('open', 'EEXIST'));
    await new Promise(setImmediate);
    expect(getsockopt(fd, SOL_SOCKET, constants.SO_TYPE)).toBe(SOCK_DGRAM);
    first.close();
    second.close();
    await once(first, 'close');
  });
});

describe('a number that was given out again', () => {
  test('is not closed by a server that failed to take it', async () => {
    const refused: (() => Promise<unknown>)[] = [];
    const failing = new SocketHandle(AF_INET, SOCK_DGRAM);
    bindPort(failing);
    const unbound = new SocketHandle();
    const served = createHttpServer();
    refused.push(
      () => adopt(served, failing),
      () => adopt(served, unbound),
    );
    const numbers = [failing.fd, unbound.fd];
    for (const attempt of refused) await rejection(attempt());
    failing.close();
    unbound.close();
    const others = numbers.map((fd) => reuse(fd));
    for (const other of others) bindPort(other);
    for (const attempt of refused) await rejection(attempt());
    served.close();
    await new Promise(setImmediate);
    expect(others.map(({ bound }) => bound)).toEqual([true, true]);
  });

  test('is not closed by a server that was closed before it listened', async () => {
    const handle = new SocketHandle();
    bindPort(handle);
    const { fd } = handle;
    const server = createServer();
    const adopting = rejection(adopt(server, handle));
    server.close();
    expect(await adopting).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' });
    const other = reuse(fd);
    bindPort(other);
    handle.close();
    server.close();
    await new Promise(setImmediate);
    expect(other.bound).toBe(true);
  });
});
