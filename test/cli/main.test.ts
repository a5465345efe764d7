import { describe, expect, test } from 'vitest';
import { bindport } from '../support/cli';

describe('bindport', () => {
  test.each([
    [['--help'], 'Usage: bindport COMMAND'],
    [['find', '--help'], 'Usage: bindport find'],
    [['find', '-n', '3', '-h'], 'Usage: bindport find'],
    [['run', '--help'], 'Usage: bindport run'],
    [['list', '--help'], 'Usage: bindport list'],
    [['matrix', '-h'], 'Usage: bindport matrix'],
  ])('%j explains itself', async (args, usage) => {
    const { out, err, code } = await bindport(...args);
    expect(out).toContain(usage);
    expect([err, code]).toEqual(['', 0]);
  });

  test.each([
    [[]],
    [['fly']],
    [['find', '--fly']],
    [['find', '3000']],
    [['find', '-n', '0']],
    [['find', '-n', '1e3']],
    [['find', '--host', 'example.org']],
    [['run']],
    [['run', '--']],
    [['run', '--port', 'x', '--', 'true']],
    [['run', '--udp', '--', 'true']],
    [['list', '--fly']],
    [['list', '3000']],
    [['matrix', '--fly']],
    [['matrix', '3000']],
  ])('%j is bad use', async (args) => {
    const { out, err, code } = await bindport(...args);
    expect(out).toBe('');
    expect(err).toMatch(/bindport/);
    expect(code).toBe(2);
  });

  test('names a command that there is not', async () => {
    const { err, code } = await bindport('fly');
    expect(err).toMatch(/^bindport: there is no command 'fly'\n/);
    expect(code).toBe(2);
  });

  test('uses no colours in a pipe', async () => {
    const { out } = await bindport('--help');
    expect(out).not.toContain('\u001b');
  });
});
