/** Who has a descriptor, and for how long: children, threads that end, forgotten handles, numbers given out again. */
import { spawnSync } from 'node:child_process';
import { fstatSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../src/base/binding';
import { bindPort, constants, SocketHandle } from '../../src/index';
import { reportOf, startFixture } from '../support/child';
import { closedCode, openSockets, reuse } from '../support/descriptors';
import { freePort } from '../support/free-port';
import { fixture } from '../support/paths';
import { linuxOnly, unixOnly } from '../support/platform';
import { systemErrorLike, thrown } from '../support/thrown';

const { SOCK_DGRAM, SOCK_STREAM } = constants;

function socket(): SocketHandle {
  const handle = new SocketHandle();
  onTestFinished(() => handle.close());
  return handle;
}

describe('descriptors and processes', () => {
  test('a child process does not get the socket', linuxOnly('inodes of sockets'), () => {
    const handle = socket();
    handle.bind();
    const { ino } = fstatSync(handle.fd);
    const inodes = (stdio: ('ignore' | 'pipe' | number)[]): number[] => {
      const print = `process.stdout.write(JSON.stringify(require(${JSON.stringify(fixture('socket/sockets.cjs'))}).socketInodes()))`;
      return JSON.parse(spawnSync(process.execPath, ['-e', print], { stdio }).stdout.toString());
    };
    expect(inodes(['ignore', 'pipe', 'ignore'])).not.toContain(ino);
    // And it would be seen, if it were there.
    expect(inodes(['ignore', 'pipe', 'ignore', handle.fd])).toContain(ino);
  });

  test.each([
    {
      says: 'where it was opened, with --trace-warnings',
      execArgv: ['--trace-warnings'],
      detail: /^It was opened at:\n\s+at forget .*forgotten\.cjs:\d+/,
    },
    { says: 'how to see where', execArgv: [], detail: /^Start Node with --trace-warnings, / },
  ])(
    'a forgotten handle is closed, with one warning that says $says',
    unixOnly('counts descriptors'),
    async ({ execArgv, detail }) => {
      const report = await reportOf('socket/forgotten.cjs', {
        execArgv: ['--expose-gc', ...execArgv],
      });
      expect(report).toMatchObject({
        opened: 2,
        // The detached one is its new owner's.
        left: 1,
        warnings: [
          {
            name: 'Warning',
            code: 'BINDPORT_FORGOTTEN_HANDLE',
            message: expect.stringMatching(
              /^A SocketHandle was never closed: descriptor \d+ is closed now$/,
            ),
            detail: expect.stringMatching(detail),
          },
        ],
      });
    },
  );

  test.each(['returns', 'throws', 'exits', 'terminated'])(
    'a worker thread that ends (%s) closes its handles, not what it detached',
    unixOnly('counts descriptors'),
    async (end) => {
      const report = await reportOf('socket/ending-worker.cjs', { args: [end] });
      expect(report).toEqual({ during: 4, after: 1, kept: SOCK_STREAM });
    },
  );

  test.each([
    'opens and closes handles',
    'duplicates handles',
    'finds unused ports',
    'asks for addresses',
    'reads the bytes of an option',
  ])(
    'a worker thread that is terminated while it %s leaves none open',
    unixOnly('counts descriptors'),
    async (work) => {
      expect(await reportOf('socket/busy-worker.cjs', { args: [work] })).toBe(0);
    },
  );
});

test('a descriptor that somebody else closed is told, by bound and close', () => {
  const handle = new SocketHandle();
  binding.close(handle.fd);
  expect(thrown(() => handle.bound)).toMatchObject(systemErrorLike('getsockname', closedCode));
  expect(thrown(() => handle.close())).toMatchObject(systemErrorLike('close', closedCode));
  expect(handle.closed).toBe(true);
});

describe('a number that was given out again', () => {
  test('is not closed a second time by its former handle', () => {
    const former = new SocketHandle();
    const { fd } = former;
    former.close();
    const other = reuse(fd);
    bindPort(other);
    former.close();
    former[Symbol.dispose]();
    expect(other.bound).toBe(true);
  });

  test('is not opened as what it was before', () => {
    const stale = new SocketHandle();
    bindPort(stale);
    const { fd } = stale;
    // Somebody else closes it, against the rules.
    expect(binding.close(fd)).toBe(0);
    binding.disown(fd);
    const udp = reuse(fd, SOCK_DGRAM);
    bindPort(udp);
    expect(thrown(() => stale.transfer())).toMatchObject({ code: 'ERR_SOCKET_BAD_TYPE' });
    expect(udp.bound).toBe(true);
    stale.detach();
  });
});

describe('children do not inherit', () => {
  test.each(['a socket', 'a duplicate'])('%s', async (kind) => {
    const handle = new SocketHandle();
    const port = freePort();
    handle.bind('127.0.0.1', port);
    const duplicate = kind === 'a duplicate' ? binding.duplicate(handle.fd, 0) : undefined;
    const { message } = startFixture('socket/stay.cjs');
    expect(await message()).toBe('here');
    handle.close();
    if (duplicate !== undefined) {
      expect(thrown(() => socket().bind('127.0.0.1', port))).toHaveProperty('syscall', 'bind');
      expect(binding.close(duplicate)).toBe(0);
    }
    const next = socket();
    next.bind('127.0.0.1', port);
    expect(next.address().port).toBe(port);
  });
});

describe('ten thousand sockets, opened, bound, adopted and closed,', () => {
  // A process's descriptors, and a process's handles on Windows, come from one table, where one that
  // is never closed keeps its number: then later ones have higher numbers.
  test('have the numbers of the first ones', { timeout: 300_000 }, async () => {
    const { early, late, different } = await numbers(10_000, 0);
    expect(late).toBeLessThanOrEqual(early + 4 * SLACK);
    expect(different).toBeLessThan(100);
  });

  test('would show a leak', { timeout: 300_000 }, async () => {
    const { early, late } = await numbers(1000, 100);
    expect(late).toBeGreaterThan(early + SLACK);
  });
});

/** Descriptors that the runtime itself may open meanwhile; Windows counts in fours. */
const SLACK = 10;

interface Numbers {
  early: number;
  late: number;
  different: number;
}

function isNumbers(value: unknown): value is Numbers {
  return typeof value === 'object' && value !== null && 'early' in value && 'late' in value;
}

async function numbers(cycles: number, leaks: number): Promise<Numbers> {
  const report = await reportOf('socket/descriptor-numbers.cjs', {
    args: [String(cycles), String(leaks)],
  });
  if (!isNumbers(report)) throw new Error('no report');
  return report;
}

test('a duplicate for which the stack has no room is closed again', unixOnly('/dev/fd'), () => {
  using handle = new SocketHandle();
  const before = openSockets();
  const spy = vi.spyOn(FinalizationRegistry.prototype, 'register').mockImplementationOnce(() => {
    throw new RangeError('Maximum call stack size exceeded');
  });
  onTestFinished(() => spy.mockRestore());
  expect(thrown(() => handle.duplicate())).toBeInstanceOf(RangeError);
  expect(openSockets()).toEqual(before);
});
