import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bindport } from '../support/cli';
import { root } from '../support/paths';

describe('bindport', () => {
  test.each([
    [['--help'], 'Usage: bindport COMMAND'],
    [['help'], 'Usage: bindport COMMAND'],
    [['help', 'run'], 'Usage: bindport run'],
    [['help', 'why'], 'Usage: bindport why'],
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
    [['help', 'fly']],
    [['find', '--fly']],
    [['find', 'x']],
    [['find', '0']],
    [['find', '3005-3000']],
    [['find', '3000', '3000']],
    [['find', '3000-3001', '3001', '3000']],
    [['find', '-n', '1', '3000']],
    [['find', '-n', '0']],
    [['find', '-n', '1e3']],
    [['find', '--host', 'example.org']],
    [['run']],
    [['run', '--']],
    [['run', '--port', 'x', '--', 'true']],
    [['run', '--udp', '--', 'true']],
    [['run', '--strict', '--', 'true']],
    [['run', '--wait', '5', '--port', '3000', '--', 'true']],
    [['run', '--strict', '--port', '3000', '--wait', '5s', '--', 'true']],
    [['run', '--strict', '--port', '3000', '--wait', '2147483648', '--', 'true']],
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

  test.each(['--version', '-v'])('%s is that of the package', async (option) => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(await bindport(option)).toMatchObject({ out: `${version}\n`, err: '', code: 0 });
  });

  test.each([
    ['find', ['--host', 'example.org'], "--host must be .*'localhost', not 'example.org'"],
    ['why', ['80', '--host', 'example.org'], "--host must be .*'localhost', not 'example.org'"],
    ['run', ['--host', '', '--', 'true'], "--host must be .*'localhost', not ''"],
    ['run', ['--port', '70000', '--', 'true'], "--port must be .* 0 to 65535, not '70000'"],
    [
      'run',
      ['--port', '3005-3000', '--', 'true'],
      "--port must be a range upwards, not '3005-3000'",
    ],
    ['find', ['-n', '1e3'], "--number must be .* 1 to 10000, not '1e3'"],
    ['find', ['--fly'], "Unknown option '--fly'"],
  ])('%s %j is refused in the words of the command line', async (command, args, message) => {
    const { err, code } = await bindport(command, ...args);
    expect(err).toMatch(new RegExp(`^bindport ${command}: ${message}`));
    expect(err).not.toContain('options.');
    expect(code).toBe(2);
  });

  test.each([
    [['fly'], "'fly'"],
    [['help', 'fly'], "'fly'"],
    [['fnd'], "'fnd'; did you mean find?"],
    [['lists'], "'lists'; did you mean list?"],
    [['help', 'inpsect'], "'inpsect'; did you mean inspect?"],
    [['x'.repeat(40)], `'${'x'.repeat(40)}'`],
  ])('%j names a command that there is not', async (args, named) => {
    const { err, code } = await bindport(...args);
    expect(err.split('\n')[0]).toBe(`bindport: unknown command ${named}`);
    expect(code).toBe(2);
  });

  test('uses no colours in a pipe', async () => {
    const { out } = await bindport('--help');
    expect(out).not.toContain('\u001b');
  });
});
