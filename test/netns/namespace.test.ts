import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fixtures } from '../support/child';
import { errnoOf } from '../support/thrown';

/** What a script prints that runs in a network namespace of its own. */
function inNamespace(script: string): unknown {
  const command = ['--net', process.execPath, join(fixtures, script)];
  return JSON.parse(execFileSync('unshare', command, { encoding: 'utf8' }));
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
  expect(inNamespace('exhausted.cjs')).toEqual({ tcp: exhausted, udp: exhausted });
});

test('a link-local address needs its zone', () => {
  expect(inNamespace('link-local.cjs')).toEqual([
    'fe80::b1d%lo',
    'bind EINVAL fe80::b1d',
    'bind ENODEV fe80::b1d%gone',
    'bind EADDRNOTAVAIL fe80::bad%lo',
  ]);
});
