// How fast bindport is: beside C programs that make the same system calls, a bare addon, CPython and other packages,
// on several versions of Node, in interleaved rounds of one run.
//
//   npm run bench                             every part but install, on Node 20, 22, 24 and 26 (Linux on x64)
//   npm run bench -- load http                some parts: calls, inspect, load, reserve, http, install
//   npm run bench -- --here                   on the Node that runs it alone
//   npm run bench -- load --beside FOLDER     another copy of the package, built, for `load` to compare
//   npm run bench -- --write                  and then writes bench/results.json, docs/speed.md, its picture and the
//                                             README's table; of some parts these alone are new
//
// It needs a C compiler and python3 with CPython's tests; the versions of Node and the other packages come from npm,
// into .cache. A machine that is busy shows in the load of each part, which then is to be run again.
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { requireTools } from '../scripts/check/require-tools.mjs';
import { runtimes } from '../scripts/check/runtimes.mjs';
import { fail } from '../scripts/project.mjs';
import { machine, print } from './report.mjs';
import { write } from './written.mjs';

const RUNTIMES = ['node-20', 'node-22', 'node-24', 'node-26'];
const parts = {
  calls: () => import('./parts/calls.mjs'),
  inspect: () => import('./parts/inspect.mjs'),
  load: () => import('./parts/load.mjs'),
  reserve: () => import('./parts/reserve.mjs'),
  http: () => import('./parts/http.mjs'),
  install: () => import('./parts/install.mjs'),
};
/** What is run when no part is named: install compiles for every platform first. */
const usual = Object.keys(parts).filter((name) => name !== 'install');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    here: { type: 'boolean' },
    beside: { type: 'string', multiple: true, default: [] },
    write: { type: 'boolean' },
  },
});
const names = positionals.length > 0 ? positionals : usual;
const unknown = names.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  fail(`no part of the bench: ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`);
}
if (options.write && options.here) fail('--write takes every version of Node: no --here');
if (process.platform !== 'linux') fail(`the bench is for Linux; this is ${process.platform}`);
requireTools(['cc', 'cpython-tests']);

const folder = mkdtempSync(join(tmpdir(), 'bindport-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const context = {
  folder,
  runtimes: options.here
    ? [{ name: `Node ${process.versions.node}`, command: process.execPath }]
    : runtimes(RUNTIMES),
  others: options.beside,
};
const results = {};
for (const name of names) {
  const { run } = await parts[name]();
  const before = loadavg()[0];
  const found = await run(context);
  results[name] = { about: machine(Math.max(before, loadavg()[0])), ...found };
  print(name, results[name]);
}
if (options.write) write(results);
