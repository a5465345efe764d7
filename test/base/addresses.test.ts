import { isIP } from 'node:net';
import { expect, test } from 'vitest';
import { ipVersion } from '../../src/base/addresses';

const SEEDS = [
  ...['127.0.0.1', '0.0.0.0', '255.255.255.255', '1.2.3.4', '10.0.0.256', '01.2.3.4', '1.2.3'],
  ...['::', '::1', '1::', 'fe80::1', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4', '64:ff9b::192.0.2.33'],
  ...[
    '2001:db8:0:0:1:0:0:1',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1::2::3',
    '12345::',
    'ABCD::ef',
  ],
];
const CHARACTERS = '0123456789abcfgF:.[]/@#?\\ \t\n-x';

/** The seeds with a character put in, taken out or changed, some of them several times. */
function* variants(): Generator<string> {
  for (const seed of SEEDS) {
    yield seed;
    for (let at = 0; at <= seed.length; at++) {
      yield seed.slice(0, at) + seed.slice(at + 1);
      for (const character of CHARACTERS) {
        const inserted = seed.slice(0, at) + character + seed.slice(at);
        yield inserted;
        yield seed.slice(0, at) + character + seed.slice(at + 1);
        yield inserted.slice(1);
        yield `${inserted}:`;
      }
    }
  }
}

test('an address is one where it is for net.isIP', () => {
  const seen = new Set(variants());
  const different = [...seen].filter((text) => ipVersion(text) !== isIP(text));
  expect(different).toEqual([]);
  expect([...seen].filter(isIP).length).toBeGreaterThan(500);
});

test('a zone is any text after an IPv6 address', () => {
  const zones = [
    'fe80::1%lo',
    'fe80::1%a_b',
    'fe80::1%25',
    'fe80::1%a%b',
    'fe80::1%',
    'fe80::1%a\0b',
  ];
  expect(zones.map(ipVersion)).toEqual([6, 6, 6, 6, 0, 0]);
  expect(ipVersion('127.0.0.1%lo')).toBe(0);
});
