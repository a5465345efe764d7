import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { optionTable } from '../../src/base/option-table';
import { leftOut } from '../../src/base/option-table/left-out';
import { root } from '../support/paths';
import { unixOnly } from '../support/platform';

test(
  'docs/options.md is what the option table says',
  unixOnly('esbuild is installed for Unix alone'),
  () => {
    const script = join(root, 'scripts/build/options-doc.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  },
);

test('an option has a row, or the reason why it has none', () => {
  const names = Object.keys(optionTable);
  expect(names.filter((name) => name in leftOut)).toEqual([]);
  const document = readFileSync(join(root, 'docs/options.md'), 'utf8');
  for (const name of [...names, ...Object.keys(leftOut)]) expect(document).toContain(`\`${name}\``);
});
