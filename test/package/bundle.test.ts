import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Consumer } from '../support/consumer';
import { root } from '../support/paths';
import { notInWine } from '../support/platform';

const here = notInWine('links to folders are refused there');

/** What a program prints as JSON, run in a project that has this package. */
async function answerOf(program: string): Promise<unknown> {
  const project = new Consumer();
  project.write('program.cjs', program);
  const { stdout, stderr } = await project.run('program.cjs');
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

test(
  'require() reads two files, and loads no module of Node that takes milliseconds',
  here,
  async () => {
    const loaded = await answerOf(`
    const before = new Set(process.moduleLoadList);
    require('bindport');
    console.log(JSON.stringify({
      files: Object.keys(require.cache).map((file) => file.match(/dist.(.*js)$/)?.[1]).filter(Boolean),
      slow: ['child_process', 'cluster', 'crypto', 'dgram', 'net'].filter(
        (name) => process.moduleLoadList.includes('NativeModule ' + name) && !before.has('NativeModule ' + name),
      ),
    }));
  `);
    expect(loaded).toEqual({ files: ['index.js', join('lib', 'core.js')], slow: [] });
  },
);

test('import asks for every name, and loads no more for it', here, async () => {
  const project = new Consumer();
  project.write(
    'program.mjs',
    `import { createRequire } from 'node:module';
    import { explainPort, inspectSocket, sendSocket, socketOptions } from 'bindport';
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).flatMap((file) => file.match(/lib.(\\w.*)\\.js$/)?.[1] ?? []);
    const before = loaded();
    if (![explainPort, inspectSocket, sendSocket].every((it) => typeof it === 'function')) throw new Error();
    console.log(JSON.stringify([before, socketOptions.has('SO_TYPE'), loaded()]));`,
  );
  const { stdout, stderr } = await project.run('program.mjs');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([['core'], true, ['core', 'options']]);
});

test('there is one of each class and of each table, whatever is loaded first', here, async () => {
  const answers = await answerOf(`
    const bindport = require('bindport');
    const inspected = bindport.inspectSocket(new bindport.SocketHandle());
    const { SocketHandle, socketOptions, getOption, PortReservation, reservePort } = require('bindport');
    const socket = new SocketHandle();
    console.log(JSON.stringify([
      bindport.SocketHandle === SocketHandle,
      bindport.socketOptions === socketOptions,
      reservePort() instanceof PortReservation,
      inspected.options.SO_REUSEADDR === getOption(socket, 'SO_REUSEADDR'),
    ]));
    process.exit();
  `);
  expect(answers).toEqual([true, true, true, true]);
});

test('functions and classes have the names that they are exported by', here, async () => {
  const others = await answerOf(`
    const named = Object.entries(require('bindport')).filter(([, value]) => typeof value === 'function');
    console.log(JSON.stringify(named.filter(([name, value]) => value.name !== name)));
  `);
  expect(others).toEqual([]);
});

test('a stack leads to the sources where source maps are enabled', here, async () => {
  const stacks = await answerOf(`
    process.setSourceMapsEnabled(true);
    const { inspectSocket, getOption, reservePort } = require('bindport');
    const stackOf = (run) => { try { run(); } catch (error) { return error.stack; } };
    console.log(JSON.stringify([
      () => reservePort({ host: 1 }), () => getOption(-1, 'SO_TYPE'), () => inspectSocket({ pid: 'x', fd: 0 }),
    ].map(stackOf)));
  `);
  expect(stacks).toEqual([
    expect.stringMatching(/src.reservation.\S+\.ts:\d+/),
    expect.stringMatching(/src.socket.options\.ts:\d+/),
    expect.stringMatching(/src.inspection.inspect-socket\.ts:\d+/),
  ]);
});

test('every file of the bundle has its map', () => {
  for (const file of [
    'lib/core',
    'lib/options',
    'lib/inspection',
    'lib/programs',
    'lib/send-socket',
    'cli/main',
    'get-port',
  ]) {
    const map = join(root, 'dist', `${file}.js.map`);
    expect(existsSync(map), map).toBe(true);
    const { sources } = JSON.parse(readFileSync(map, 'utf8'));
    expect(sources.length).toBeGreaterThan(0);
  }
});
