import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { fixture } from '../../support/paths';
import { errnoOf } from '../../support/thrown';

/** What a script prints that runs in a network namespace of its own. */
function inNamespace(script: string): unknown {
  const command = ['--net', process.execPath, fixture(script)];
  return JSON.parse(execFileSync('unshare', command, { encoding: 'utf8' }));
}

interface Again {
  released: number;
  came: number;
}

function isReport(value: unknown): value is { ours: { again: Again }; theirs: { again: Again } } {
  return typeof value === 'object' && value !== null && 'ours' in value && 'theirs' in value;
}

/** What each process released, and what it then got. */
function againOf(report: unknown): Again[] {
  if (!isReport(report)) throw new Error('no report');
  return [report.ours.again, report.theirs.again];
}

test('without a free ephemeral port bind says EADDRINUSE, and nothing is left open', () => {
  const error = {
    message: 'bind EADDRINUSE 127.0.0.1',
    code: 'EADDRINUSE',
    errno: errnoOf('EADDRINUSE'),
    syscall: 'bind',
    address: '127.0.0.1',
  };
  const exhausted = {
    taken: Array.from({ length: 10 }, (_, i) => 50000 + i),
    errors: [error, error, error],
    leaked: 0,
    spareBound: false,
    // And one that is freed is found.
    again: { value: expect.any(Number) },
  };
  expect(inNamespace('ports/exhausted.cjs')).toEqual({ tcp: exhausted, udp: exhausted });
});

// Two minutes on a busy machine: the kernel takes 2 ms and more for each of the later ports.
const wholeRange = { timeout: 600_000 };

test(
  'all of the usual range can be reserved by two processes, and not one port more',
  wholeRange,
  () => {
    const report = inNamespace('reservation/whole-range.cjs');
    const full = {
      more: { message: 'bind EADDRINUSE 127.0.0.1', code: 'EADDRINUSE', leaked: 0 },
      again: { released: expect.any(Number), came: expect.any(Number) },
    };
    expect(report).toEqual({ size: 28232, distinct: 28232, ours: full, theirs: full });
    for (const { released, came } of againOf(report)) expect(came).toBe(released);
  },
);

test('a link-local address needs its zone', () => {
  expect(inNamespace('socket/link-local.cjs')).toEqual([
    'fe80::b1d%lo_0',
    'fe80::b1d%lo_0',
    'bind EINVAL fe80::b1d',
    'bind ENODEV fe80::b1d%gone',
    'bind ENODEV fe80::b1d%77',
    'bind EADDRNOTAVAIL fe80::bad%lo_0',
  ]);
});

test('a connection to itself is nobody who listens', () => {
  expect(inNamespace('reservation/self-connection.cjs')).toEqual([
    40000,
    'ERR_RESERVATION_TIMEOUT',
  ]);
});

test('a program is found on any address of the machine', () => {
  expect(inNamespace('reservation/other-address.cjs')).toEqual(['192.0.2.7', 'fe80::b1d%lo']);
});

test('bindport wait takes no connection of a socket with itself for a listener', () => {
  expect(inNamespace('cli/wait-for-nobody.cjs')).toBe(1);
});
