import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Cell {
  faults: number;
  problems: string[];
}

interface Report {
  name: string;
  cells: Record<string, Cell>;
  warnings: string[];
}

const { scenarios }: { scenarios: object } = createRequire(__filename)('./scenarios.cjs');

const functions = [
  'socket',
  'bind',
  'listen',
  'getsockname',
  'getsockopt',
  'setsockopt',
  'dup',
  'fcntl',
  'accept4',
  'dup3',
  'close',
  'sendmsg',
  'recvmsg',
];

const reports: Report[] = [];
const folder = mkdtempSync(join(tmpdir(), 'bindport-faults-'));
const library = join(folder, 'inject.so');

beforeAll(() => {
  const source = join(__dirname, 'inject.c');
  execFileSync('cc', ['-Wall', '-Wextra', '-shared', '-fPIC', '-o', library, source, '-ldl']);
});

/** How many faults each function had in each scenario. */
function table(): string {
  const rows = reports.map(({ name, cells }) =>
    [
      name.padEnd(36),
      ...functions.map((f) => String(cells[f]?.faults ?? '').padStart(f.length)),
    ].join(' '),
  );
  return [[' '.repeat(36), ...functions].join(' '), ...rows.sort()].join('\n');
}

afterAll(() => {
  rmSync(folder, { recursive: true });
  const total = reports.flatMap(({ cells }) => Object.values(cells));
  console.log(`${table()}\n${total.reduce((sum, { faults }) => sum + faults, 0)} faults`);
});

describe('after each call that fails the error names it, no descriptor is lost and none closed twice', () => {
  test.concurrent.each(Object.keys(scenarios))('%s', async (name) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(__dirname, 'run.cjs'), name],
      { env: { ...process.env, LD_PRELOAD: library } },
    );
    const report: Report = JSON.parse(stdout);
    reports.push(report);
    expect(Object.keys(report.cells)).not.toEqual([]);
    const problems = Object.values(report.cells).flatMap((cell) => cell.problems);
    expect({ problems, warnings: report.warnings }).toEqual({ problems: [], warnings: [] });
  });
});
