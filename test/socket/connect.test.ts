import { expect, test } from 'vitest';
import { constants, SocketHandle } from '../../src/index';

test('connects, and accepts the connection', () => {
  using listener = new SocketHandle();
  listener.bind();
  listener.listen(1);
  using near = new SocketHandle();
  near.connect('127.0.0.1', listener.address().port);
  using far = listener.accept();
  expect(far.remoteAddress()).toEqual(near.address());
  expect(far.address()).toEqual(listener.address());
  expect([far.family, far.type]).toEqual([constants.AF_INET, constants.SOCK_STREAM]);
});

test('says who refused', () => {
  using bound = new SocketHandle();
  bound.bind();
  using socket = new SocketHandle();
  const { port } = bound.address();
  expect(() => socket.connect('127.0.0.1', port)).toThrow(
    expect.objectContaining({ code: 'ECONNREFUSED', syscall: 'connect', port }),
  );
  expect(() => bound.accept()).toThrow(
    expect.objectContaining({ code: 'EINVAL', syscall: 'accept' }),
  );
});

test('refuses wrong arguments', () => {
  using socket = new SocketHandle();
  expect(() => socket.connect('::1', 1)).toThrow(TypeError);
  expect(() => socket.connect('127.0.0.1', 65536)).toThrow(RangeError);
});

test('has a duplicate that keeps the socket open and has its options', () => {
  const first = new SocketHandle(constants.AF_INET6, constants.SOCK_DGRAM);
  first.bind();
  using second = first.duplicate();
  expect(second.fd).not.toBe(first.fd);
  expect(second).toMatchObject({ family: first.family, type: first.type });
  const address = first.address();
  first.setOption('SO_BROADCAST', true);
  first.close();
  expect(second.address()).toEqual(address);
  expect(second.getOption('SO_BROADCAST')).toBe(true);
  expect(() => first.duplicate()).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKET_HANDLE_CLOSED' }),
  );
});
