import { describe, expect, test } from 'vitest';
import { painter } from '../../src/cli/style';
import { bindport } from '../support/cli';

const terminal = { isTTY: true, hasColors: () => true };

describe('colours', () => {
  test('are there on a terminal', () => {
    expect(painter(terminal, {})('red', 'no')).toBe('\u001b[31mno\u001b[39m');
    expect(painter(terminal, { NO_COLOR: '' })('bold', 'x')).toBe('\u001b[1mx\u001b[22m');
    expect(painter({ isTTY: true }, {})('dim', 'x')).toBe('\u001b[2mx\u001b[22m');
  });

  test.each([
    ['in a pipe', {}, {}],
    ['with NO_COLOR', terminal, { NO_COLOR: '1' }],
    ['with NO_COLOR, whatever else is asked for', terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }],
    ['on a terminal that has none', { isTTY: true, hasColors: () => false }, {}],
  ])('are not there %s', (_, output, env) => {
    expect(painter(output, env)('red', 'no')).toBe('no');
  });

  test('nothing is painted where there is no text', () => {
    expect(painter(terminal, {})('red', '')).toBe('');
  });

  test.each([['list'], ['matrix']])('%s prints none in a pipe', async (command) => {
    expect((await bindport(command)).out).not.toContain('\u001b');
  });
});
