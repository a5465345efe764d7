import { describe, expect, test } from 'vitest';
import { type BindConflictsOptions, bindConflicts, type ConflictTable } from '../../src/index';
import { bindport } from '../support/cli';
import { needsIpv6 } from '../support/network';
import { linuxOnly } from '../support/platform';

describe('bindport matrix', () => {
  test('--json prints what bindConflicts measures', async () => {
    const { out, err, code } = await bindport('matrix', '--json');
    const all: { options: BindConflictsOptions; table: ConflictTable }[] = JSON.parse(out);
    const ipv4 = all.filter(({ options }) => (options.ipVersion ?? 4) === 4);
    expect(ipv4.length).toBeGreaterThanOrEqual(3);
    for (const { options, table } of all) expect(table).toEqual(await bindConflicts(options));
    expect([err, code]).toEqual(['', 0]);
  });

  test('has every measurement', needsIpv6, async () => {
    const { out } = await bindport('matrix', '--json');
    const measured: { options: BindConflictsOptions }[] = JSON.parse(out);
    const keys = measured.map(({ options }) => JSON.stringify(options));
    expect(new Set(keys).size).toBe(21);
    expect(keys).toContain(
      '{"protocol":"udp","listening":false,"ipVersion":6,"secondIpVersion":4,"ipv6Only":false}',
    );
  });

  test(
    'prints each answer that bindConflicts gives, in a table for all that answer alike',
    linuxOnly("it spells Linux' answers"),
    async () => {
      const { out, code } = await bindport('matrix');
      const table = out.slice(out.indexOf('TCP bound, UDP: IPv4'));
      expect(table).toMatch(
        /^TCP bound, UDP: IPv4[^\n]*\nfirst \\ second .*\n(none\* .*\n.*\n)SO_REUSEADDR\* +- +- +yes +yes +- +-\n/,
      );
      expect(out).toMatch(/TCP listening: IPv4/);
      expect(code).toBe(0);
    },
  );

  test('fits 80 columns', async () => {
    const { out } = await bindport('matrix');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});
