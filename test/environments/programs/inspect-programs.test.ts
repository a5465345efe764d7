import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  findSockets,
  inspectSocket,
  type OptionName,
  reservePort,
  socketOptions,
} from '../../../src/index';
import { ended } from '../../support/reservations';
import { findProgram } from './find-program';

function program(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`${name} is missing: npm run test:programs installs it`);
  return found;
}

interface Service {
  readonly name: string;
  /** Programs that do not run as root. */
  readonly user?: string;
  prepare?(folder: string, port: number, options: SpawnOptions): void;
  command(folder: string, port: number): [string, ...string[]];
}

const services: Service[] = [
  {
    name: 'nginx',
    prepare(folder, port) {
      const listen = `127.0.0.1:${port} backlog=200 rcvbuf=32k sndbuf=64k so_keepalive=9m:75:5 deferred fastopen=7`;
      writeFileSync(
        join(folder, 'nginx.conf'),
        `pid nginx.pid; worker_processes 1; events {} http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; server { listen ${listen}; } }`,
      );
    },
    command: (folder) => [
      program('nginx'),
      ...['-p', folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;'],
    ],
  },
  {
    name: 'redis-server',
    command: (folder, port) => [
      program('redis-server'),
      ...['--port', String(port), '--dir', folder, '--save', '', '--bind', '127.0.0.1'],
    ],
  },
  {
    name: 'PostgreSQL',
    user: 'postgres',
    prepare(folder, _port, options) {
      const args = ['-D', join(folder, 'data'), '-A', 'trust', '--no-sync', '-E', 'UTF8'];
      execFileSync(program('initdb'), args, { ...options, stdio: 'ignore' });
    },
    command: (folder, port) => [
      program('postgres'),
      ...['-D', join(folder, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', folder],
    ],
  },
  {
    name: 'Node',
    command: (_folder, port) => [
      process.execPath,
      '-e',
      'require("http").createServer().listen(process.argv[1], "127.0.0.1")',
      String(port),
    ],
  },
];

interface SetOption {
  name: string;
  value: number;
}

/** What strace saw set on the socket that was bound to the port, from its opening on; the last of each option. */
function optionsSet(trace: string, port: number): SetOption[] {
  // One line a call: calls that another one interrupts are no matter for the options of a listener.
  const lines = trace.split('\n').map((line) => line.replace(/^\d+\s+/, ''));
  const bind = lines.findIndex(
    (line) => line.startsWith('bind(') && line.includes(`htons(${port})`),
  );
  const fd = /^bind\((\d+)/.exec(lines[bind] ?? '')?.[1];
  if (fd === undefined) throw new Error(`strace saw no bind to port ${port}`);
  const opened = lines
    .slice(0, bind)
    .findLastIndex((line) => /^socket\(/.test(line) && line.endsWith(`= ${fd}`));
  const set = new Map<string, number>();
  for (const line of lines.slice(opened)) {
    const [, on, name, value] =
      /^setsockopt\((\d+), \w+, (\w+), \[(-?\d+)\], \d+\) = 0$/.exec(line) ?? [];
    if (on === fd && name !== undefined) set.set(name, Number(value));
  }
  return [...set].map(([name, value]) => ({ name, value }));
}

async function until<Value>(
  look: () => Promise<Value | undefined>,
  child: ChildProcess,
): Promise<Value> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    await new Promise(setImmediate);
  }
}

/** The kernel doubles what is asked for, for its own bookkeeping: socket(7). */
const DOUBLED: readonly string[] = ['SO_RCVBUF', 'SO_SNDBUF'];

function isOptionName(name: string): name is OptionName {
  return socketOptions.has(name as OptionName);
}

describe('what inspectSocket reads of the listener of', () => {
  test.each(services)(
    '$name is what strace saw it set',
    async ({ name, user, prepare, command }) => {
      const folder = mkdtempSync(join(tmpdir(), 'bindport-inspect-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const options: SpawnOptions = { cwd: folder };
      if (user !== undefined && process.getuid?.() === 0) {
        const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, user])));
        Object.assign(options, { uid, gid });
        chownSync(folder, uid ?? 0, gid ?? 0);
      }
      using reservation = reservePort();
      const { port } = reservation;
      prepare?.(folder, port, options);
      reservation.share();
      const trace = join(folder, 'trace');
      const calls = 'trace=socket,bind,setsockopt';
      const child = spawn(
        program('strace'),
        ['-f', '-qq', '-e', calls, '-o', trace, ...command(folder, port)],
        {
          ...options,
          stdio: 'ignore',
          detached: true,
        },
      );
      onTestFinished(async () => {
        if (child.exitCode === null && child.pid !== undefined) {
          process.kill(-child.pid, 'SIGKILL');
          await ended(child);
        }
      });
      const listener = await until(async () => {
        const [found] = await findSockets({ port, protocol: 'tcp', state: 'LISTEN' });
        return found;
      }, child);
      const [holder] = listener.processes;
      if (holder?.fd === undefined) throw new Error(`${name} was not seen`);
      const cookie = listener.cookie;
      const report = inspectSocket({
        pid: holder.pid,
        fd: holder.fd,
        ...(cookie !== undefined && { cookie }),
      });
      const set = optionsSet(readFileSync(trace, 'utf8'), port);
      const known = set.filter(({ name: option }) => isOptionName(option));
      expect(set.length).toBeGreaterThan(0);
      // All but private ones of a newer kernel have a name here.
      expect(set.filter((one) => !known.includes(one))).toEqual([]);
      for (const { name: option, value } of known) {
        const read: unknown = report.options[option as OptionName];
        const expected = DOUBLED.includes(option) ? 2 * value : value;
        expect({ option, value: Number(read) }).toEqual({ option, value: expected });
      }
      expect(report).toMatchObject({ listening: true, state: 'LISTEN', local: { port } });
      expect(report.backlog).toBe(listener.backlog);
    },
  );
});
