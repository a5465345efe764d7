import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { explainPort, type PortReport } from '../../src/index';
import { bindport } from '../support/cli';
import { freePort } from '../support/free-port';
import { linuxOnly } from '../support/platform';

async function listening(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

describe('bindport why', linuxOnly('the others tell less of a socket'), () => {
  test('says who has a port, with which options, and what to do, and exits with 1', async () => {
    const { port } = await listening();
    const { out, err, code } = await bindport('why', String(port), '--host', '127.0.0.1');
    expect([err, code]).toEqual(['', 1]);
    expect(out).toMatch(`Port ${port} is not free for TCP on 127.0.0.1.\n`);
    expect(out).toMatch(new RegExp(`^ +listening +\\S+ \\(pid ${process.pid}\\)`, 'm'));
    expect(out).toMatch(
      new RegExp(`^ +127\\.0\\.0\\.1:${port} +listen +\\S+ +${process.pid} +SO_REUSEADDR `, 'm'),
    );
    expect(out).toMatch(/^ +SO_REUSEADDR +EADDRINUSE +127\.0\.0\.1$/m);
    expect(out).toMatch(new RegExp(`^ +1\\. \`kill ${process.pid}\``, 'm'));
  });

  test('exits with 0 for a free port', async () => {
    const port = freePort();
    const { out, err, code } = await bindport('why', String(port), '--host', '127.0.0.1');
    expect([err, code]).toEqual(['', 0]);
    expect(out).toMatch(`Port ${port} is free for TCP on 127.0.0.1.\n`);
  });

  test('--json prints what explainPort gives', async () => {
    const { port } = await listening();
    const { out, code } = await bindport('why', String(port), '--json');
    const printed: PortReport = JSON.parse(out);
    const { causes, binds, free } = await explainPort(port);
    expect(code).toBe(1);
    expect(printed).toMatchObject({ port, free, binds });
    expect(printed.causes.map(({ cause }) => cause)).toEqual(causes.map(({ cause }) => cause));
  });

  test('fits 80 columns', async () => {
    const { port } = await listening();
    const { out } = await bindport('why', String(port));
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('shows what a program has hidden in its names, and sends none of it to the terminal', async () => {
    const script =
      'const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))';
    const hidden = '\u001b[2J\u0007\u009b31m\u202egpj\u2066\ufeff';
    const child = spawn(process.execPath, ['-e', script, hidden], {
      argv0: hidden,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => {
      child.kill();
    });
    const [data] = await once(child.stdout, 'data');
    const port = String(data).trim();
    const commands = [
      ['why', port],
      ['why', port, '--json'],
      ['list'],
      ['list', '--json'],
      ['inspect', port],
    ];
    for (const args of commands) {
      const { out } = await bindport(...args);
      expect(out).toContain(String(child.pid));
      expect(out).toMatch(/\\x1b\[2J|\\u001b\[2J/);
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      if (args.includes('--json')) expect(JSON.stringify(JSON.parse(out))).toContain('\u202egpj');
    }
  });
});

describe('bad use of bindport why', () => {
  test.each([
    [[], 'which port?'],
    [['80x'], "PORT must be a whole number of 0 to 65535, not '80x'"],
    [['65536'], "PORT must be a whole number of 0 to 65535, not '65536'"],
    [['1', '2'], "one port, not '1 2'"],
    [['1', '--host', 'example'], 'example'],
    [['1', '--tcp'], '--tcp'],
  ])('%j', async (args, message) => {
    const { out, err, code } = await bindport('why', ...args);
    expect([out, code]).toEqual(['', 2]);
    expect(err).toContain(message);
  });
});
