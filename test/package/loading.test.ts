import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { prebuiltAddon } from '../../src/base/platform';
import { root } from '../support/paths';
import { linuxOnly, unixOnly } from '../support/platform';

const built = 'build/Release/bindport.node';
const prebuilt = join('prebuilds', prebuiltAddon());

/** The addon, whatever it was that these tests run with. */
let addon = '';
beforeAll(() => {
  const found = [built, prebuilt].map((file) => join(process.env.BINDPORT_PREBUILD ?? root, file));
  addon = found.find(existsSync) ?? '';
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bindport-loading-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A copy of the package with the addon in these places. */
function copyWith(...places: string[]): string {
  const folder = newFolder();
  for (const part of ['dist', 'package.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  for (const place of places) cpSync(addon, join(folder, place));
  return folder;
}

function run(program: string, { flags = [], env = {} }: { flags?: string[]; env?: object } = {}) {
  const { BINDPORT_PREBUILD: _, VITEST: __, NODE_OPTIONS: ___, ...rest } = process.env;
  return spawnSync(process.execPath, [...flags, '-e', program], {
    encoding: 'utf8',
    env: { ...rest, ...env },
  });
}

const loads = (folder: string) =>
  `console.log(require(${JSON.stringify(folder)}).findUnusedPort() > 0);`;

/** What is thrown when it is loaded. */
const failureOf = (folder: string, before = '') => `${before}
  try { require(${JSON.stringify(folder)}); } catch ({ code, message }) {
    console.log(JSON.stringify({ code, message }));
  }`;

test.each([built, 'build/Debug/bindport.node', prebuilt])('the addon is found as %s', (place) => {
  expect(run(loads(copyWith(place)))).toMatchObject({ stdout: 'true\n', stderr: '' });
});

test('where one file can not be loaded the next one is', () => {
  const folder = copyWith(built, prebuilt);
  writeFileSync(join(folder, built), 'no binary');
  expect(run(loads(folder))).toMatchObject({ stdout: 'true\n', stderr: '' });
});

test('without an addon the error says what for, where it was looked for, and what to do', () => {
  const folder = copyWith();
  const { code, message } = JSON.parse(run(failureOf(folder)).stdout);
  expect(code).toBe('ERR_ADDON_NOT_LOADED');
  const [first, ...rest] = message.split('\n');
  expect(first).toContain(`for ${process.platform} ${process.arch}`);
  expect(first).toContain(`Node.js ${process.versions.node}, Node-API ${process.versions.napi}`);
  for (const file of [built, 'build/Debug/bindport.node', prebuilt]) {
    expect(rest).toContain(`  ${join(folder, file)}: not there`);
  }
  expect(message).toContain(`npx node-gyp rebuild --directory "${folder}"`);
  expect(message).toContain('BINDPORT_PREBUILD');
});

test(
  'the C library is the one that the running program is linked with',
  linuxOnly('elsewhere there is one C library'),
  () => {
    const musl = join(newFolder(), 'node');
    writeFileSync(musl, `\x7fELF${'\0'.repeat(700)}/lib/ld-musl-x86_64.so.1\0`);
    const asMusl = `process.execPath = ${JSON.stringify(musl)};`;
    const { message } = JSON.parse(run(failureOf(copyWith(), asMusl)).stdout);
    expect(message).toContain(`linux ${process.arch} (musl), `);
    expect(message).toMatch(/prebuilds\/linux-\w+\/bindport\.musl\.node: not there/);
  },
);

test('a file that is no binary for this platform is told with what the system says of it', () => {
  const folder = copyWith();
  cpSync(join(root, 'package.json'), join(folder, built));
  const { code, message } = JSON.parse(run(failureOf(folder)).stdout);
  expect(code).toBe('ERR_ADDON_NOT_LOADED');
  expect(message).toMatch(/bindport\.node: (?!not there)\S/);
});

test.each([built, prebuilt])('BINDPORT_PREBUILD names another copy of the package: %s', (place) => {
  const env = { BINDPORT_PREBUILD: copyWith(place) };
  expect(run(loads(copyWith()), { env })).toMatchObject({ stdout: 'true\n', stderr: '' });
});

test('where BINDPORT_PREBUILD is set nothing else is looked for', () => {
  const elsewhere = newFolder();
  const env = { BINDPORT_PREBUILD: elsewhere };
  const { message } = JSON.parse(run(failureOf(copyWith(built)), { env }).stdout);
  const files = message.match(/^ {2}\S.*(?=: not there$)/gm);
  expect(files).toHaveLength(3);
  for (const file of files) expect(file).toContain(elsewhere);
});

test("where addons are not allowed the error is Node's own", () => {
  const { stdout } = run(failureOf(copyWith(built)), { flags: ['--no-addons'] });
  expect(JSON.parse(stdout).code).toBe('ERR_DLOPEN_DISABLED');
});

test(
  'a program bundled into one file finds the addon beside itself',
  unixOnly('esbuild is installed for Unix alone'),
  async () => {
    const { buildSync } = await import('esbuild');
    const folder = newFolder();
    const bundle = join(folder, 'bundle.cjs');
    buildSync({
      stdin: { contents: loads(copyWith()), resolveDir: root },
      bundle: true,
      outfile: bundle,
      platform: 'node',
    });
    cpSync(addon, join(folder, prebuilt));
    expect(run(`require(${JSON.stringify(bundle)})`)).toMatchObject({
      stdout: 'true\n',
      stderr: '',
    });
  },
);

test('copies of the package, threads, contexts, require and import share a process', () => {
  const copies = [copyWith(built), copyWith(prebuilt)];
  const { stdout, stderr } = run(`
    const { createContext, runInContext } = require('node:vm');
    const { Worker } = require('node:worker_threads');
    const { once } = require('node:events');
    const { pathToFileURL } = require('node:url');
    const copies = ${JSON.stringify(copies)};
    const worker = \`
      const { reservePort } = require('node:worker_threads').workerData.map(require)[0];
      globalThis.kept = reservePort();
      require('node:worker_threads').parentPort.postMessage(kept.port);
    \`;
    (async () => {
      globalThis.kept = [];
      const keep = (reservation) => kept.push(reservation) && reservation.port;
      const threads = [1, 2, 3].map(() => new Worker(worker, { eval: true, workerData: copies }));
      const ports = (await Promise.all(threads.map((thread) => once(thread, 'message')))).flat();
      for (const copy of copies) {
        const imported = await import(pathToFileURL(copy + '/dist/index.js'));
        const required = require(copy);
        if (imported.reservePort !== required.reservePort) throw new Error('two of one');
        ports.push(keep(required.reservePort()), keep(imported.reservePort()));
        const core = copy + '/dist/lib/core.js';
        const text = require('node:fs').readFileSync(core, 'utf8');
        const context = createContext({ process, Buffer, URL, setTimeout, console });
        const module = { exports: {} };
        runInContext('(function (module, require, __dirname) {' + text + '\\n})', context)(
          module, require('node:module').createRequire(core), copy + '/dist/lib',
        );
        ports.push(keep(module.exports.index.reservePort()));
      }
      console.log(new Set(ports).size);
      process.exit();
    })();
  `);
  expect({ stdout, stderr }).toEqual({ stdout: '9\n', stderr: '' });
});
