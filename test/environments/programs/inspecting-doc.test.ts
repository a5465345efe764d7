import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findSockets, reservePort } from '../../../src/index';
import { bindport } from '../../support/cli';
import { root } from '../../support/paths';
import { ended } from '../../support/reservations';
import { findProgram } from './find-program';

const document = readFileSync(join(root, 'docs/inspecting.md'), 'utf8');

/** What the document says that a command prints. */
function shown(command: string): string[] {
  const start = `\`\`\`text\n$ bindport ${command}\n`;
  const from = document.indexOf(start);
  if (from === -1) throw new Error(`docs/inspecting.md does not show ${command}`);
  return document.slice(from + start.length, document.indexOf('\n```', from)).split('\n');
}

/** Numbers differ from one machine to the next, and with them the columns' widths. */
function shapeOf(line: string): string {
  return line.replace(/\d+/g, '0').replace(/ +/g, ' ').trim();
}

/** nginx with the `listen` that the document names, on another port. */
async function startNginx(): Promise<number> {
  const nginx = findProgram('nginx');
  if (nginx === undefined) throw new Error('nginx is missing: npm run test:programs installs it');
  const settings = /`listen 127\.0\.0\.1:8080\s+([^`]+)`/.exec(document)?.[1];
  const folder = mkdtempSync(join(tmpdir(), 'bindport-document-'));
  const reservation = reservePort();
  const { port } = reservation;
  writeFileSync(
    join(folder, 'nginx.conf'),
    `pid nginx.pid; worker_processes 2; events {} http { access_log off; server { listen 127.0.0.1:${port} ${settings}; } }`,
  );
  reservation.share();
  const args = ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;'];
  const child: ChildProcess = spawn(nginx, args, { stdio: 'ignore' });
  onTestFinished(async () => {
    child.kill();
    if (child.exitCode === null) await ended(child);
    reservation.release();
    rmSync(folder, { recursive: true, force: true });
  });
  // The master listens, and then starts its workers.
  for (;;) {
    const [found] = await findSockets({ port, protocol: 'tcp', state: 'LISTEN' });
    if (new Set(found?.processes.map(({ pid }) => pid)).size === 3) return port;
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    await new Promise(setImmediate);
  }
}

describe('docs/inspecting.md shows what is printed by', () => {
  test('bindport inspect', async () => {
    const { out, code } = await bindport('inspect', String(await startNginx()));
    expect(code).toBe(0);
    const printed = out.split('\n').map(shapeOf);
    const changed = printed.slice(printed.findIndex((line) => line.startsWith('CHANGED ')));
    const documented = shown('inspect 8080').map(shapeOf);
    const from = documented.findIndex((line) => line.startsWith('CHANGED '));
    const to = documented.indexOf('', from);
    expect(to - from).toBeGreaterThan(5);
    expect(changed.slice(0, to - from + 1)).toEqual(documented.slice(from, to + 1));
    // Above it the kind, the state and the queue, wherever their lines break.
    const facts = (all: string[]) => all.join(' ').match(/AF_INET.*?accepted/)?.[0];
    expect(facts(printed)).toBe(facts(documented));
    expect(facts(documented)).toContain('listen;');
  });

  test('bindport list', async () => {
    const port = await startNginx();
    const { out } = await bindport('list');
    const [heading, ...rows] = shown('list').map(shapeOf);
    const [printed = '', ...others] = out.split('\n');
    expect(shapeOf(printed)).toBe(heading);
    const nginx = rows.find((row) => row.includes('nginx'));
    const line = others.find((row) => row.includes(`127.0.0.1:${port} `)) ?? '';
    // The width of the other columns decides where the command is cut.
    const whole = (row = '') => shapeOf(row).split(' ').slice(0, 7).join(' ');
    expect(whole(line)).toBe(whole(nginx));
  });
});
