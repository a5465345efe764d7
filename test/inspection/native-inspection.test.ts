import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { binding } from '../../src/base/binding';
import { constants, findSockets, SocketHandle } from '../../src/index';
import { neverOpen, openSockets } from '../support/descriptors';
import { startHolder } from '../support/holder';
import { root } from '../support/paths';
import { linuxOnly } from '../support/platform';
import { errnoOf } from '../support/thrown';

const { SOL_SOCKET, SO_REUSEADDR, SO_TYPE, SO_RCVBUF, IPPROTO_TCP } = constants;

/** Options to read, and room for them. */
function reads(...options: [level: number, name: number, length: number][]) {
  const room = options.reduce((sum, [, , length]) => sum + Math.ceil(length / 8) * 8, 0);
  const results = new Int32Array(options.length);
  const values = new Uint8Array(room).fill(0xee);
  return { plan: Int32Array.from(options.flat()), results, values };
}

const int = (values: Uint8Array, offset: number) => Buffer.from(values).readInt32LE(offset);

describe('readOptions', () => {
  test('reads many options, each at its place', () => {
    using socket = new SocketHandle();
    socket.setOption('SO_REUSEADDR', true);
    const { plan, results, values } = reads(
      [SOL_SOCKET, SO_TYPE, 4],
      [IPPROTO_TCP, 9999, 4],
      [SOL_SOCKET, SO_RCVBUF, 12],
      [SOL_SOCKET, SO_TYPE, 0],
    );
    expect(binding.readOptions(socket.fd, plan, results, values)).toBe(0);
    expect(results[0]).toBe(4);
    expect(results[1]).toBe(errnoOf('ENOPROTOOPT'));
    expect(results[2]).toBe(4);
    expect(int(values, 0)).toBe(constants.SOCK_STREAM);
    expect(int(values, 16)).toBe(socket.getOption('SO_RCVBUF'));
    // Zeros behind what was written, and nothing touched between the places.
    expect([...values.subarray(20, 28)]).toEqual(new Array(8).fill(0));
    expect([...values.subarray(28)]).toEqual(new Array(4).fill(0xee));
  });

  test('says of each option why it has no value', () => {
    const { plan, results, values } = reads([SOL_SOCKET, SO_TYPE, 4], [SOL_SOCKET, SO_TYPE, 4]);
    expect(binding.readOptions(neverOpen, plan, results, values)).toBe(0);
    expect(results[0]).toBeLessThan(0);
    expect(results[1]).toBe(results[0]);
  });

  test('writes nothing where the values or the results do not fit', () => {
    using socket = new SocketHandle();
    const { plan, results, values } = reads([SOL_SOCKET, SO_TYPE, 4], [SOL_SOCKET, SO_TYPE, 4]);
    const einval = errnoOf('EINVAL');
    const call = (...[p, r, v]: [Int32Array, Int32Array, Uint8Array]) =>
      binding.readOptions(socket.fd, p, r, v);
    expect(call(plan, results, values.subarray(1))).toBe(einval);
    expect(call(plan, results.subarray(1), values)).toBe(einval);
    expect(call(plan.subarray(1), results, values)).toBe(einval);
    for (const length of [-1, -0x80000000, 0x7fffffff]) {
      expect(call(Int32Array.of(SOL_SOCKET, SO_TYPE, length), results, values)).toBe(einval);
    }
    const many = Int32Array.from({ length: 9 }, (_, i) => (i % 3 === 2 ? 0x7ffffff0 : 1));
    expect(call(many, new Int32Array(3), values)).toBe(einval);
    expect([...results]).toEqual([0, 0]);
    expect(values.every((byte) => byte === 0xee)).toBe(true);
  });
});

describe('inspect', () => {
  test('tells kind, addresses and queues with the options', async () => {
    using listener = new SocketHandle();
    listener.bind();
    listener.listen();
    const none = reads();
    const inspected = () => binding.inspect(listener.fd, none.plan, none.results, none.values);
    const { port } = listener.address();
    expect(inspected()).toMatchObject({
      family: constants.AF_INET,
      type: constants.SOCK_STREAM,
      protocol: constants.IPPROTO_TCP,
      local: { address: '127.0.0.1', family: constants.AF_INET, port },
    });
    expect(inspected()).not.toHaveProperty('remote');
    const near = connect(port, '127.0.0.1');
    onTestFinished(() => {
      near.destroy();
    });
    await once(near, 'connect');
    await new Promise((written) => near.write('five!', written));
    using far = listener.accept();
    const { plan, results, values } = reads([SOL_SOCKET, SO_REUSEADDR, 4]);
    expect(binding.inspect(far.fd, plan, results, values)).toMatchObject({
      local: { port },
      remote: { address: '127.0.0.1', port: near.localPort },
      unread: 5,
    });
    expect(results[0]).toBeGreaterThan(0);
  });

  test('refuses what is no socket', () => {
    const { plan, results, values } = reads([SOL_SOCKET, SO_TYPE, 4]);
    expect(binding.inspect(neverOpen, plan, results, values)).toBeLessThan(0);
    expect(results[0]).toBe(0);
  });
});

describe('inspectOf', linuxOnly('pidfd_getfd is Linux’'), () => {
  test('reads the options of another process, and checks which socket it is', async () => {
    const { pid, fd, port } = await startHolder();
    const before = openSockets();
    const { plan, results, values } = reads(
      [SOL_SOCKET, SO_REUSEADDR, 4],
      [SOL_SOCKET, SO_TYPE, 4],
    );
    const [found] = await findSockets({ port });
    const cookie = found?.cookie ?? 0n;
    const inspected = binding.inspectOf(pid, fd, cookie, plan, results, values);
    expect(inspected).toMatchObject({ local: { address: '127.0.0.1', port } });
    expect([...results]).toEqual([4, 4]);
    expect(int(values, 0)).toBe(1);
    const call = (...[p, f, c]: [number, number, bigint]) =>
      binding.inspectOf(p, f, c, plan, results.fill(0), values);
    expect(call(pid, fd, 0n)).toEqual(inspected);
    expect(call(pid, fd, cookie + 1n)).toBe(errnoOf('ESTALE'));
    expect([...results]).toEqual([0, 0]);
    expect(call(pid, neverOpen, 0n)).toBe(errnoOf('EBADF'));
    expect(call(0x7ffffff0, fd, 0n)).toBe(errnoOf('ESRCH'));
    expect(openSockets()).toEqual(before);
  });

  test('reads through a thread where the main thread has ended', async () => {
    const { fd, port } = await startHolder('thread');
    const [found] = await findSockets({ port });
    const { plan, results, values } = reads([SOL_SOCKET, SO_REUSEADDR, 4]);
    const tid = found?.processes[0]?.tid ?? 0;
    const inspected = binding.inspectOf(tid, fd, found?.cookie ?? 0n, plan, results, values);
    // Before Linux 6.9 a thread has no pidfd.
    if (inspected === errnoOf('EINVAL')) return;
    expect(inspected).toMatchObject({ local: { port } });
    expect([...results]).toEqual([4]);
  });

  test('leaves the port to nobody: it is free as soon as its process closes it', async () => {
    using listener = new SocketHandle();
    listener.bind();
    const { plan, results, values } = reads([SOL_SOCKET, SO_TYPE, 4]);
    const { port } = listener.address();
    for (let i = 0; i < 100; i++) {
      binding.inspectOf(process.pid, listener.fd, 0n, plan, results, values);
    }
    listener.close();
    using next = new SocketHandle();
    next.bind('127.0.0.1', port);
  });
});

test('a worker that is terminated while it inspects takes nothing with it', async () => {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const { findSockets } = require(${JSON.stringify(root)});
     parentPort.postMessage('here');
     (async () => { for (;;) await findSockets({ processes: 'first' }); })();`,
    { eval: true },
  );
  await once(worker, 'message');
  expect(await worker.terminate()).toBe(1);
});
