import { type ChildProcess, execFileSync, type SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type PortReservation, reservePort } from '../../../src/index';
import { fixture } from '../../support/paths';
import { allRefused, ask, ended, thieves } from '../../support/reservations';
import { findProgram } from './find-program';

/** Says something and resolves with the first thing that comes back. */
function talk(port: number, say: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => socket.write(say));
    socket.once('data', (data) => {
      resolve(data.toString('latin1'));
      socket.destroy();
    });
    socket.once('error', reject).once('end', () => reject(new Error('nothing came back')));
  });
}

function program(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`${name} is missing: npm run test:programs installs it`);
  return found;
}

interface Service {
  readonly name: string;
  /** Makes what the program needs in its folder. */
  prepare?(folder: string, options: SpawnOptions): void;
  /** Programs that do not run as root. */
  readonly user?: string;
  command(folder: string): [string, string[]];
  /** The signals to end it by, one round each. */
  readonly ends?: readonly NodeJS.Signals[];
  /** Has the program do what it is for. */
  use(port: number): Promise<void>;
}

/** A killed master of nginx or PostgreSQL leaves its workers behind, which go on serving. */
const orderly: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGTERM', 'SIGINT', 'SIGTERM'];
const anyEnd: readonly NodeJS.Signals[] = ['SIGKILL', ...orderly, 'SIGKILL', 'SIGTERM'];

const http = async (port: number, text: string) =>
  expect(await ask(port, '127.0.0.1', 'GET /hello.txt HTTP/1.0\r\n\r\n')).toContain(text);

const services: Service[] = [
  {
    name: 'nginx',
    prepare(folder) {
      writeFileSync(join(folder, 'hello.txt'), 'from nginx');
    },
    // nginx takes no port by argument: its configuration is the argument.
    command: (folder) => [
      'sh',
      [
        '-c',
        'printf %s "$1" > "$2/nginx.conf"; exec "$0" -p "$2" -c nginx.conf -e stderr -g "daemon off;"',
        program('nginx'),
        `pid nginx.pid; worker_processes 2; events {} http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; server { listen {port}; listen [::]:{port}; root ${folder}; } }`,
        folder,
      ],
    ],
    use: (port) => http(port, 'from nginx'),
  },
  {
    name: 'redis-server',
    command: (folder) => [
      program('redis-server'),
      ['--port', '{port}', '--dir', folder, '--save', '', '--bind', '127.0.0.1', '::1'],
    ],
    ends: anyEnd,
    async use(port) {
      expect(await talk(port, 'PING\r\n')).toBe('+PONG\r\n');
    },
  },
  {
    name: "CPython's http.server",
    prepare(folder) {
      writeFileSync(join(folder, 'hello.txt'), 'from CPython');
    },
    command: (folder) => ['python3', ['-m', 'http.server', '{port}', '--directory', folder]],
    ends: anyEnd,
    use: (port) => http(port, 'from CPython'),
  },
  {
    name: 'PostgreSQL',
    user: 'postgres',
    prepare(folder, options) {
      const args = ['-D', join(folder, 'data'), '-A', 'trust', '--no-sync', '-E', 'UTF8'];
      execFileSync(program('initdb'), args, { ...options, stdio: 'ignore' });
    },
    command: (folder) => [
      program('postgres'),
      ['-D', join(folder, 'data'), '-k', folder, '-p', '{port}', '-F'],
    ],
    async use(port) {
      // SSLRequest: 8 bytes, the code 80877103. The answer is one byte, N without certificates.
      expect(await talk(port, Buffer.of(0, 0, 0, 8, 4, 210, 22, 47))).toBe('N');
    },
  },
];

/** The ids of a user, when this process may become it. */
function idsOf(user: string | undefined): SpawnOptions {
  if (user === undefined || process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

const started: ChildProcess[] = [];
// What a failed test has left running.
afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill();
});

describe.each(services)('$name', ({ prepare, user, command, use, ends = orderly }) => {
  const folder = mkdtempSync(join(tmpdir(), 'bindport-programs-'));
  const ids = idsOf(user);

  beforeAll(() => {
    // nginx's workers are another user.
    chmodSync(folder, 0o755);
    if (ids.uid !== undefined && ids.gid !== undefined) chownSync(folder, ids.uid, ids.gid);
    prepare?.(folder, { ...ids, cwd: folder });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function start(reservation: PortReservation): Promise<ChildProcess> {
    const [name, args] = command(folder);
    const child = reservation.spawn(name, args, { ...ids, cwd: folder, stdio: 'ignore' });
    started.push(child);
    await reservation.ready();
    return child;
  }

  test('is served on one port through ends, kills and restarts', async () => {
    using reservation = reservePort();
    const { port } = reservation;
    for (const signal of ends) {
      const child = await start(reservation);
      await use(port);
      await use(port);
      expect(await thieves(port)).toEqual(allRefused);
      child.kill(signal);
      await ended(child);
    }
    expect(reservation.port).toBe(port);
    reservation.unshare();
    expect(await thieves(port)).toEqual(allRefused);
  });

  test('goes on when the door is shut behind it', async () => {
    using reservation = reservePort();
    const child = await start(reservation);
    reservation.unshare();
    await use(reservation.port);
    reservation.release();
    await use(reservation.port);
    child.kill();
    await ended(child);
  });
});

describe('a program that does not set SO_REUSEADDR', () => {
  const stubborn = fixture('reservation/stubborn_server.py');

  test('gets the documented error on a shared port', async () => {
    using reservation = reservePort();
    reservation.spawn('python3', [stubborn, '{port}'], { stdio: 'ignore' });
    await expect(reservation.ready()).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_RESERVATION_PROGRAM_EXITED' }),
    );
  });

  test('is served on the socket that it is given', async () => {
    using reservation = reservePort();
    const child = reservation.spawn('python3', [fixture('reservation/inherited_server.py')], {
      pass: 'systemd',
    });
    expect(JSON.parse(await ask(reservation.port))).toMatchObject({ pid: true, listening: 1 });
    child.kill();
    await ended(child);
  });
});
