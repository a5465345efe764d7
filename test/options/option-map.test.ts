import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type OptionName, type SocketOption, socketOptions } from '../../src/index';
import { OptionMap } from '../../src/options/option-map';

type Options = ReadonlyMap<OptionName, SocketOption>;

/** All that a Map can be asked, and what a plain one answers. */
const questions: readonly [string, (options: Options) => unknown][] = [
  ['size', (options) => options.size],
  ['has', (options) => [options.has('SO_TYPE'), options.has('no such option' as OptionName)]],
  ['get', (options) => options.get('SO_REUSEADDR')],
  ['keys', (options) => [...options.keys()]],
  ['values', (options) => [...options.values()]],
  ['entries', (options) => [...options.entries()]],
  ['an iteration', (options) => [...options]],
  ['Array.from', (options) => Array.from(options)],
  ['new Map', (options) => new Map(options)],
  ['util.inspect', (options) => inspect(options)],
  [
    'forEach',
    (options) => {
      const seen: unknown[] = [];
      options.forEach((option, name, map) => {
        seen.push(option, name, map.size);
      });
      return seen;
    },
  ],
];

describe('socketOptions is a Map that is filled by whatever asks it first', () => {
  const plain = new Map(socketOptions);

  test.each(questions)('%s', (_, ask) => {
    const options = new OptionMap();
    const answer = ask(options);
    expect(answer).toEqual(ask(plain));
    expect(ask(options)).toEqual(answer);
  });

  test('it is one', () => {
    expect(socketOptions).toBeInstanceOf(Map);
    expect(plain.size).toBeGreaterThan(20);
  });
});
