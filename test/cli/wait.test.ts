import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reservePort } from '../../src/index';
import { bindport, start } from '../support/cli';
import { notInWine } from '../support/platform';
import { ended } from '../support/reservations';

const fetches = notInWine('fetch can not connect');

describe('bindport wait', () => {
  test('ends once somebody listens, and not before', async () => {
    using reservation = reservePort();
    const { port } = reservation;
    expect((await bindport('wait', '--timeout', '300', String(port))).code).toBe(1);
    const child = start(['wait', String(port)]);
    const server = createTcpServer();
    await reservation.listen(server);
    onTestFinished(() => void server.close());
    expect(await ended(child)).toEqual([0, null]);
  });

  test('finds a listener on ::1 alone', async () => {
    const server = createTcpServer().listen(0, '::1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    expect((await bindport('wait', String(address.port))).code).toBe(0);
  });

  test('waits for a status of 200 to 299, and tells the last one', fetches, async () => {
    using reservation = reservePort();
    let status = 503;
    const server = createServer((_, response) => {
      response.writeHead(status).end('body');
    });
    await reservation.listen(server);
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${reservation.port}/health`;
    const late = await bindport('wait', '--timeout', '1000', url);
    expect(late).toMatchObject({ code: 1, out: '' });
    expect(late.err).toBe('bindport wait: not within 1000 ms: the last answer was 503\n');
    const child = start(['wait', url]);
    await once(server, 'request');
    status = 204;
    expect(await ended(child)).toEqual([0, null]);
  });

  test('gives up a server that never answers', fetches, async () => {
    using reservation = reservePort();
    const server = createServer(() => {});
    await reservation.listen(server);
    onTestFinished(() => void server.closeAllConnections());
    const child = start(['wait', '--timeout', '500', `http://127.0.0.1:${reservation.port}`]);
    const errors = child.stderr && text(child.stderr);
    expect(await ended(child)).toEqual([1, null]);
    expect(await errors).toBe('bindport wait: not within 500 ms: no answer\n');
  });

  test('says why nobody was reached', fetches, async () => {
    using reservation = reservePort();
    const { err } = await bindport(
      'wait',
      '--timeout',
      '300',
      `http://127.0.0.1:${reservation.port}`,
    );
    expect(err).toMatch(/ECONNREFUSED/);
  });

  test.each([
    [[]],
    [['0']],
    [['65536']],
    [['x']],
    [['ftp://localhost']],
    [['1', '2']],
    [['http://u:p@localhost']],
  ])('%j is bad use', async (args) => {
    const { err, code } = await bindport('wait', ...args);
    expect(err).toMatch(/^bindport wait: .*\nbindport wait --help tells more\.\n$/);
    expect(code).toBe(2);
  });
});
