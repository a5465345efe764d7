import {
  type ChildProcess,
  type SpawnOptions,
  type StdioOptions,
  spawn,
  spawnSync,
} from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SocketHandle } from '../../src/index';
import { startHolder } from '../support/holder';
import { dist, fixture, root } from '../support/paths';
import { isLinux, runWhen } from '../support/platform';

const NOBODY = 65534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
const TRACING = [...AS_NOBODY, '--inh-caps=+sys_ptrace', '--ambient-caps=+sys_ptrace'];
/** As root is in a container. */
const LESSER_ROOT = ['setpriv', '--bounding-set=-sys_ptrace', '--inh-caps=-all'];

function canRun(): boolean {
  if (!isLinux || process.geteuid?.() !== 0) return false;
  const [command = '', ...args] = [...AS_NOBODY, process.execPath];
  return spawnSync(command, [...args, '-e', 'require(process.argv[1])', dist]).status === 0;
}

/** What the fixture prints when it runs within the command: what it finds, or the error's code. */
function foundBy(wrapper: readonly string[], query: object): unknown {
  const script = fixture('inspection/find-sockets.cjs');
  const [command = '', ...args] = [...wrapper, process.execPath, script, JSON.stringify(query)];
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

/** A program that has these descriptors until the test ends. */
async function sleeping(options: SpawnOptions): Promise<ChildProcess> {
  const child = spawn('sleep', ['1000'], options);
  onTestFinished(() => {
    child.kill();
  });
  await once(child, 'spawn');
  return child;
}

const unseen = (what: string, right: string, message: string) => ({
  what,
  right,
  message: expect.stringContaining(message),
});

describe(
  'findSockets, by the rights of its process:',
  runWhen(canRun(), 'needs root, setpriv, and a checkout that other users can read'),
  () => {
    test('another user is told that root sees processes and options', async () => {
      const { port } = await startHolder();
      const [found] = [foundBy(AS_NOBODY, { port, options: true })].flat();
      expect(found).toMatchObject({
        state: 'LISTEN',
        uid: 0,
        user: 'root',
        processes: [],
        unseen: [unseen('processes', 'root', 'root sees'), unseen('options', 'root', 'ptrace(2)')],
      });
      expect(found).not.toHaveProperty('options');
    });

    test('another user gets EACCES for the sockets of a process', () => {
      expect(foundBy(AS_NOBODY, { pid: process.pid })).toBe('EACCES');
    });

    test.each(['all', 'likely', 'first'])(
      'CAP_SYS_PTRACE alone sees %s as root does',
      async (processes) => {
        const { port, pid, fd } = await startHolder();
        expect(foundBy(TRACING, { port, options: true, processes })).toMatchObject([
          { processes: [{ pid, fd }], changed: ['SO_REUSEADDR'], unseen: [] },
        ]);
      },
    );

    test('CAP_SYS_PTRACE alone takes pipes and files for no sockets', async () => {
      using listener = new SocketHandle();
      const file = openSync(process.execPath, 'r');
      const { pid } = await sleeping({ stdio: ['ignore', file, 'ignore', listener.fd] });
      closeSync(file);
      const script = `console.log(JSON.stringify(require('./build/Release/bindport.node').heldSockets(${pid}, new Uint32Array(0), 1000, 0)))`;
      const held = (wrapper: readonly string[]) => {
        const [command = '', ...args] = [...wrapper, process.execPath, '-e', script];
        return spawnSync(command, args, { cwd: root, encoding: 'utf8' }).stdout;
      };
      expect(held(TRACING)).toMatch(/^\[\d+,3\]$/m);
      expect(held(TRACING)).toBe(held(['env']));
    });

    test('root without CAP_SYS_PTRACE is told that it lacks that', async () => {
      const { port, pid } = await startHolder();
      expect(foundBy(LESSER_ROOT, { port, options: true })).toMatchObject([
        {
          processes: [],
          unseen: [
            unseen('processes', 'CAP_SYS_PTRACE', 'this root lacks'),
            unseen('options', 'CAP_SYS_PTRACE', 'needs CAP_SYS_PTRACE'),
          ],
        },
      ]);
      expect(foundBy(LESSER_ROOT, { pid })).toBe('EACCES');
    });

    test('a user is told that others may have a socket beside the process that is seen', async () => {
      using listener = new SocketHandle();
      listener.bind();
      listener.listen();
      const { port } = listener.address();
      const stdio: StdioOptions = ['ignore', 'ignore', 'ignore', listener.fd];
      const heir = await sleeping({ uid: NOBODY, gid: NOBODY, stdio });
      expect(foundBy(AS_NOBODY, { port })).toMatchObject([
        {
          processes: [{ pid: heir.pid, fd: 3 }],
          unseen: [unseen('processes', 'root', 'whether others have it, too')],
        },
      ]);
      // These searches do not claim to find all.
      for (const processes of ['first', 'likely', 'none']) {
        expect(foundBy(AS_NOBODY, { port, processes })).toMatchObject([{ unseen: [] }]);
      }
    });
  },
);
