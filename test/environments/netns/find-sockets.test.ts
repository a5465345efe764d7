import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { fixture } from '../../support/paths';

test('interfaces, zones and one port among many are found in a namespace of their own', () => {
  const command = ['--net', process.execPath, fixture('inspection/in-namespace.cjs')];
  expect(JSON.parse(execFileSync('unshare', command, { encoding: 'utf8' }))).toEqual({
    device: [[{ address: '127.0.0.1', family: 'IPv4', port: 1234 }, 'lo']],
    zone: [[{ address: 'fe80::b1d%lo', family: 'IPv6', port: 1235 }, 'lo']],
    counted: 2002,
    one: ['BOUND', 20001, [true]],
    others: 0,
  });
});
