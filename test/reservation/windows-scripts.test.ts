import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reservePort } from '../../src/index';
import { bindport } from '../support/cli';
import { windowsOnly } from '../support/platform';
import { ask, ended } from '../support/reservations';

/** A folder with a script as npm makes them for the programs of a package: name.cmd, which runs name.cjs. */
async function folderWith(name: string, script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bindport-scripts-'));
  onTestFinished(() => rm(folder, { recursive: true, maxRetries: 10 }));
  await writeFile(join(folder, `${name}.cjs`), script);
  const command = `@echo off\r\n"${process.execPath}" "%~dp0${name}.cjs" %*\r\n`;
  await writeFile(join(folder, `${name}.cmd`), command);
  return folder;
}

const withPath = (folder: string) => ({
  ...process.env,
  PATH: `${folder}${delimiter}${process.env.PATH}`,
});

describe('a program that is a script', windowsOnly('there they are no programs'), () => {
  const printer = 'console.log(JSON.stringify([process.env.PORT, ...process.argv.slice(2)]))';
  const args = ['{port}', 'a b', 'x&y', '"quoted"', '^', '(a)', '', '<in>out|'];

  test.each(['name', 'path'])('is started by its %s, its arguments as given', async (by) => {
    const folder = await folderWith('printer', printer);
    using reservation = reservePort();
    const command = by === 'name' ? 'printer' : join(folder, 'printer.cmd');
    const child = reservation.spawn(command, args, { env: withPath(folder) });
    const printed = child.stdout && (await text(child.stdout));
    const port = String(reservation.port);
    expect(JSON.parse(printed ?? '')).toEqual([port, port, ...args.slice(1)]);
  });

  test('is ready when it listens', async () => {
    const server = `
      require('net').createServer((socket) => {
        socket.on('error', () => {}).on('data', () => socket.end('script', () => process.exit()));
      }).listen(process.env.PORT, '127.0.0.1');
    `;
    const folder = await folderWith('server', server);
    using reservation = reservePort();
    const child = reservation.spawn('server', [], { env: withPath(folder) });
    expect(await reservation.ready()).toMatchObject({ port: reservation.port });
    expect(await ask(reservation.port, '127.0.0.1', 'end')).toBe('script');
    expect(await ended(child)).toEqual([0, null]);
  });

  test('is run by the command line', async () => {
    const folder = await folderWith('exits', 'process.exit(7)');
    expect((await bindport('run', '--', join(folder, 'exits.cmd'))).code).toBe(7);
  });
});

test('a program that is not found is told so on every platform', async () => {
  using reservation = reservePort();
  reservation.spawn('no-such-program', ['{port}']);
  const ready = reservation.ready();
  await expect(ready).rejects.toThrow(
    expect.objectContaining({ code: 'ENOENT', errno: expect.any(Number) }),
  );
  const { code, err } = await bindport('run', '--', 'no-such-program');
  expect(err).toMatch(/^bindport: no-such-program: .*ENOENT/);
  expect(code).toBe(127);
});
