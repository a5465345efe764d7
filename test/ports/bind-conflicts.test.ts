import { constants as os } from 'node:os';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../src/base/binding';
import {
  type BindConflictsOptions,
  bindConflicts,
  type ConflictAddress,
  type ConflictOption,
  type ConflictTable,
} from '../../src/index';
import { callUnchecked } from '../support/bad-values';
import { addresses, microsoftCells, windowsOptions } from '../support/conflict-table';
import { needsIpv6 } from '../support/network';
import { isWindows, isWine, linuxOnly, unixOnly, windowsOnly } from '../support/platform';
import { errnoOf, rejection } from '../support/thrown';

/** One line for each pair of binds. */
function cellsOf(table: ConflictTable): { first: string; second: string; result: string }[] {
  const entries = <Value extends object>(record: Value) => Object.entries(record);
  return entries(table).flatMap(([option, rows]) =>
    entries(rows).flatMap(([address, row]) =>
      entries(row).flatMap(([other, results]) =>
        entries(results).map(([otherAddress, result]) => ({
          first: `${option}, ${address}`,
          second: `${other}, ${otherAddress}`,
          result: String(result),
        })),
      ),
    ),
  );
}

describe("Microsoft's table", () => {
  const here = windowsOnly('SO_EXCLUSIVEADDRUSE');

  test('is measured, cell by cell', here, async () => {
    const expected = microsoftCells.map(({ first, second, microsoft, wine }) => ({
      first,
      second,
      result: isWine ? wine : microsoft,
    }));
    expect(cellsOf(await bindConflicts())).toEqual(expected);
  });

  test('has 36 cells, of which Wine answers 34 alike', () => {
    expect(microsoftCells).toHaveLength((windowsOptions.length * addresses.length) ** 2);
    const different = microsoftCells.filter(({ microsoft, wine }) => microsoft !== wine);
    expect(different.map(({ first, second, wine }) => [first, second, wine])).toEqual([
      ['SO_EXCLUSIVEADDRUSE, wildcard', 'default, wildcard', 'EACCES'],
      ['SO_EXCLUSIVEADDRUSE, wildcard', 'SO_EXCLUSIVEADDRUSE, wildcard', 'EACCES'],
    ]);
    // Both are refused either way.
    expect(different.every(({ microsoft }) => microsoft !== 'Success')).toBe(true);
  });
});

describe('on Linux', linuxOnly("Linux's rules"), () => {
  const shared = (option: string, other: string) => option === other && option !== 'default';

  test.each(['tcp', 'udp'] as const)(
    'only sockets that set the same option share a port: %s',
    async (protocol) => {
      const cells = cellsOf(await bindConflicts({ protocol }));
      expect(cells).toHaveLength(36);
      for (const { first, second, result } of cells) {
        const [option = '', other = ''] = [first, second].map((name) => name.split(', ')[0]);
        const expected = shared(option, other) ? 'Success' : 'EADDRINUSE';
        expect({ first, second, result }).toEqual({ first, second, result: expected });
      }
    },
  );

  test('a listening socket shares its port by SO_REUSEPORT alone, and on the same terms', async () => {
    const cells = cellsOf(await bindConflicts({ listening: true }));
    const lenient = cells.filter(({ result }) => result === 'Success');
    for (const { first, second } of lenient)
      expect([first, second].join()).toMatch(/^SO_REUSEPORT.*SO_REUSEPORT/);
    expect(lenient).toHaveLength(4);
  });
});

describe('IPv6 on Linux', { ...needsIpv6, ...linuxOnly("Linux's rules") }, () => {
  const allowed = async (measured: BindConflictsOptions) =>
    cellsOf(await bindConflicts(measured)).filter(({ result }) => result === 'Success');

  test.each([{}, { listening: true }, { protocol: 'udp' as const }])(
    'IPV6_V6ONLY makes no difference between two IPv6 sockets, nor from two of IPv4: %j',
    async (measured) => {
      const expected = await bindConflicts(measured);
      for (const ipv6Only of [true, false])
        expect(await bindConflicts({ ...measured, ipVersion: 6, ipv6Only })).toEqual(expected);
    },
  );

  test.each([{}, { listening: true }, { protocol: 'udp' as const }])(
    'with IPV6_V6ONLY no IPv6 socket is in the way of IPv4, nor the reverse: %j',
    async (measured) => {
      const mixed = { ...measured, ipv6Only: true };
      expect(await allowed({ ...mixed, ipVersion: 6, secondIpVersion: 4 })).toHaveLength(36);
      expect(await allowed({ ...mixed, ipVersion: 4, secondIpVersion: 6 })).toHaveLength(36);
    },
  );

  test('without it the IPv6 wildcard is in the way of every IPv4 address, ::1 of none', async () => {
    const table = await bindConflicts({ ipVersion: 6, secondIpVersion: 4, ipv6Only: false });
    expect(table.default?.wildcard.default).toEqual({
      wildcard: 'EADDRINUSE',
      specific: 'EADDRINUSE',
    });
    expect(table.default?.specific.default).toEqual({ wildcard: 'Success', specific: 'Success' });
  });

  test('without it every IPv4 address is in the way of the IPv6 wildcard', async () => {
    const table = await bindConflicts({ ipVersion: 4, secondIpVersion: 6, ipv6Only: false });
    for (const first of ['wildcard', 'specific'] as const)
      expect(table.default?.[first].default).toEqual({
        wildcard: 'EADDRINUSE',
        specific: 'Success',
      });
  });
});

describe('everywhere', () => {
  const options: ConflictOption[] = isWindows
    ? ['default', 'SO_REUSEADDR', 'SO_EXCLUSIVEADDRUSE']
    : ['default', 'SO_REUSEADDR', 'SO_REUSEPORT'];
  const both: ConflictAddress[] = ['wildcard', 'specific'];

  async function expectComplete(measured: BindConflictsOptions): Promise<void> {
    const table = await bindConflicts(measured);
    expect(Object.keys(table)).toEqual(options);
    const results = new Set(['Success', ...Object.keys(os.errno)]);
    for (const first of options) {
      for (const address of both) {
        expect(Object.keys(table[first]?.[address] ?? {})).toEqual(options);
        for (const second of options)
          expect(results).toContain(table[first]?.[address][second]?.[address]);
      }
    }
  }

  test.each([{}, { protocol: 'udp' as const }, { listening: true }])(
    '%j gives a complete table',
    expectComplete,
  );

  test.each([
    { ipVersion: 6 as const },
    { ipVersion: 6 as const, protocol: 'udp' as const },
    { ipVersion: 6 as const, ipv6Only: true },
    { ipVersion: 6 as const, ipv6Only: false, listening: true },
    { ipVersion: 6 as const, secondIpVersion: 4 as const, ipv6Only: false },
    { secondIpVersion: 6 as const },
  ])('%j gives a complete table', needsIpv6, expectComplete);

  test('two sockets without options never share an address', async () => {
    const table = await bindConflicts();
    for (const address of both)
      expect(table.default?.[address].default?.[address]).toBe('EADDRINUSE');
  });

  test.each(['EADDRINUSE', 'EACCES'])(
    'a port that another program takes first, so that the first bind is %s, is not measured',
    async (code) => {
      const { bind } = binding;
      const spy = vi.spyOn(binding, 'bind').mockImplementation((fd, family, address, port) => {
        if (port === 0) return bind(fd, family, address, port);
        spy.mockRestore();
        return errnoOf(code);
      });
      onTestFinished(() => spy.mockRestore());
      const table = await bindConflicts();
      expect(table).toEqual(await bindConflicts());
      expect(Object.keys(table)).toEqual(options);
    },
  );

  test.each([
    [null, 'options'],
    ['tcp', 'options'],
    [{ protocol: 'sctp' }, 'options.protocol'],
    [{ protocol: null }, 'options.protocol'],
    [{ ipVersion: 5 }, 'options.ipVersion'],
    [{ ipVersion: '4' }, 'options.ipVersion'],
    [{ listening: 1 }, 'options.listening'],
    [{ secondIpVersion: 0 }, 'options.secondIpVersion'],
    [{ ipVersion: 6, ipv6Only: 1 }, 'options.ipv6Only'],
    [{ ipv6Only: true }, 'options.ipv6Only'],
    [{ listening: true, protocol: 'udp' }, 'options.listening'],
  ])('refuses %j', async (options, name) => {
    const error = await rejection(Promise.resolve(callUnchecked(bindConflicts, [options])));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(name);
  });
});

test(
  'on Unix there is no row for SO_EXCLUSIVEADDRUSE',
  unixOnly('it is Windows’ own'),
  async () => {
    expect(await bindConflicts()).not.toHaveProperty('SO_EXCLUSIVEADDRUSE');
  },
);
