import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reservePort } from '../../src/index';
import { bindport } from '../support/cli';
import { linuxOnly } from '../support/platform';

async function listening(
  where: { port: number; host: string } | { path: string },
): Promise<Server> {
  const server = createServer().listen(where);
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const lineWith = (out: string, text: string) => out.split('\n').find((one) => one.includes(text));

describe('bindport list', linuxOnly('the others tell less of a socket'), () => {
  test('shows a listener, its state, its user and its process', async () => {
    const port = portOf(await listening({ port: 0, host: '127.0.0.1' }));
    const { out, err, code } = await bindport('list');
    expect(lineWith(out, `127.0.0.1:${port} `)).toMatch(
      new RegExp(`^tcp +127\\.0\\.0\\.1:${port} +listen +\\S+ +${process.pid}\\b`),
    );
    expect([err, code]).toEqual(['', 0]);
  });

  test('shows a reservation, which is bound and does not listen', async () => {
    using reservation = reservePort();
    const { out } = await bindport('list', '--tcp');
    expect(lineWith(out, `:${reservation.port} `)).toMatch(/^tcp .* bound /);
  });

  test('shows a UDP socket', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => new Promise((resolve) => socket.close(() => resolve())));
    await once(socket, 'listening');
    const { port } = socket.address();
    const line = new RegExp(`^udp +127\\.0\\.0\\.1:${port} `, 'm');
    expect((await bindport('list')).out).toMatch(line);
    expect((await bindport('list', '--tcp')).out).not.toMatch(line);
  });

  test('shows Unix sockets when asked to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bindport-list-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'socket');
    await listening({ path });
    expect(lineWith((await bindport('list', '--unix')).out, path)).toMatch(/^unix .* listen /);
    expect((await bindport('list')).out).not.toContain(path);
  });

  test('shows no connection', async () => {
    const { out } = await bindport('list', '--json');
    const states = JSON.parse(out).map(({ state }: { state: string }) => state);
    expect(['LISTEN', 'BOUND', 'UNCONNECTED']).toEqual(
      expect.arrayContaining([...new Set(states)]),
    );
  });

  test('--json prints the sockets as findSockets gives them', async () => {
    const port = portOf(await listening({ port: 0, host: '127.0.0.1' }));
    const sockets: unknown[] = JSON.parse((await bindport('list', '--json')).out);
    expect(sockets).toContainEqual(
      expect.objectContaining({
        protocol: 'tcp',
        local: { address: '127.0.0.1', family: 'IPv4', port },
        cookie: expect.stringMatching(/^\d+$/),
        processes: [expect.objectContaining({ pid: process.pid })],
      }),
    );
  });

  test('cuts nothing but the command', async () => {
    await listening({ port: 0, host: '127.0.0.1' });
    const [heading = '', ...lines] = (await bindport('list')).out.trimEnd().split('\n');
    const start = heading.indexOf('COMMAND');
    for (const line of lines.filter((one) => /^(tcp|udp) /.test(one)))
      expect(line.slice(0, start)).not.toContain('…');
  });
});
