import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { dist } from '../support/paths';

/** Reserves a port after two that are refused, starts a server on it, waits for it and ends it. */
const script = `
  const { once } = require('node:events');
  const { reservePorts, reservePort } = require(${JSON.stringify(dist)});
  (async () => {
    const host = '127.0.0.1';
    const others = reservePorts(2, { host });
    const [taken, excluded] = others.map(({ port }) => port);
    const reservation = reservePort({ host, port: [taken, excluded], exclude: [excluded] });
    reservation.share();
    reservation.unshare();
    const server = 'require("net").createServer().listen(process.env.PORT, "127.0.0.1")';
    const child = reservation.spawn(process.execPath, ['-e', server]);
    await reservation.ready();
    child.kill();
    await once(child, 'exit');
    const { port, strategy } = reservation;
    for (const each of [reservation, ...others]) each.release();
    const { pid } = process;
    console.log(JSON.stringify({ taken, excluded, port, strategy, child: child.pid, pid }));
  })();
`;

async function run(NODE_DEBUG: string) {
  const env = { ...process.env, NODE_DEBUG };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', script], { env });
  return { stderr, told: JSON.parse(stdout) };
}

const matching = (pattern: string) => expect.stringMatching(new RegExp(`^${pattern}$`));

describe('NODE_DEBUG=bindport', () => {
  test('tells what was held and refused, who was started and what ready saw', async () => {
    const { stderr, told } = await run('bindport');
    const { taken, excluded, port, strategy, child, pid } = told;
    const prefix = `BINDPORT ${pid}: `;
    const lines = stderr.trimEnd().split(/\r?\n/);
    expect(lines.filter((line) => !line.startsWith(prefix))).toEqual([]);
    const messages = lines.map((line) => line.slice(prefix.length));
    // How often it looks is a matter of time.
    const isLook = (message: string) => /: (nobody|a listener) on /.test(message);
    expect(messages.filter((message) => !isLook(message))).toEqual([
      `port ${taken} is held: tcp 127.0.0.1, strategy ${strategy}`,
      `port ${excluded} is held: tcp 127.0.0.1, strategy ${strategy}`,
      matching(`port ${taken} is refused: bind E[A-Z]+ 127\\.0\\.0\\.1:${taken}.*`),
      `port ${excluded} is refused: excluded`,
      `port ${port} is held: tcp 127.0.0.1, strategy ${strategy}`,
      `port ${port} is shared`,
      `port ${port} is shared no longer`,
      `port ${port} is shared`,
      matching(`port ${port}: started .* -e .*, process ${child}`),
      matching(`port ${port}: .* (was ended by|exited with) .*`),
      `port ${port} is released`,
      `port ${taken} is released`,
      `port ${excluded} is released`,
    ]);
    expect(messages.filter(isLook).at(-1)).toBe(`port ${port}: a listener on 127.0.0.1`);
  });

  test('is needed for any of it', async () => {
    expect((await run('another')).stderr).toBe('');
  });
});
