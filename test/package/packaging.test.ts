import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as source from '../../src/index';
import publicNames from '../fixtures/package/public-names.json';
import { Consumer } from '../support/consumer';
import { root } from '../support/paths';
import { notInWine } from '../support/platform';

const modules = join(root, 'node_modules');
const here = notInWine('links to folders are refused there');

test('the source exports the public names', () => {
  expect(Object.keys(source).sort()).toEqual(publicNames);
});

test('.node-version is the oldest Node that the package supports', () => {
  const oldest = readFileSync(join(root, '.node-version'), 'utf8').trim();
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(engines.node).toBe(`>=${oldest}`);
});

test('require() gives every name', here, async () => {
  const project = new Consumer();
  project.copy('required.cjs');
  const { stdout, stderr } = await project.run('required.cjs');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ port: expect.any(Number), names: publicNames });
});

test('import { … } gives every name', here, async () => {
  const project = new Consumer();
  project.copy('imported.mjs');
  const { stdout, stderr } = await project.run('imported.mjs');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ port: expect.any(Number), names: publicNames });
  // Named imports are resolved before anything runs: each must be found in the CommonJS source.
  const names = publicNames.join(', ');
  const code = `import { ${names} } from 'bindport';\nfor (const value of [${names}]) if (value === undefined) throw new Error();\n`;
  project.write('named.mjs', code);
  expect(await project.run('named.mjs')).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('bindport/get-port for require() and import are the same functions', here, async () => {
  const project = new Consumer();
  project.copy('get-port.cjs');
  project.copy('get-port.mjs');
  const result = { code: 0, stderr: '' };
  expect(await project.run('get-port.cjs')).toEqual({
    ...result,
    stdout: '1024 clearLockedPorts,portNumbers true\n',
  });
  expect(await project.run('get-port.mjs')).toEqual({ ...result, stdout: 'true\n' });
});

test('a Jest test in its default configuration', here, async () => {
  const project = new Consumer();
  project.copy('public-names.json');
  // Two files in one process: the addon is loaded once for each.
  project.copy('jest.cjs', 'first.test.js');
  project.copy('jest.cjs', 'second.test.js');
  const { code, stderr } = await project.run(
    join(modules, 'jest', 'bin', 'jest.js'),
    '--runInBand',
  );
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/Tests: +8 passed, 8 total/),
  });
});

// The contexts of vmThreads lack Symbol.dispose in Node 20 and 22, as Node itself did before 20.4.
test.each(['threads', 'vmThreads'])('a vitest test with --pool=%s', here, async (pool) => {
  const project = new Consumer({ name: 'consumer', private: true, type: 'module' });
  project.install('vitest');
  project.copy('public-names.json');
  project.copy('vitest.mjs', 'one.test.mjs');
  const { code, stdout, stderr } = await project.run(
    join(modules, 'vitest', 'vitest.mjs'),
    'run',
    `--pool=${pool}`,
    '--no-color',
  );
  expect({ code, stdout, stderr }).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/Tests +3 passed/),
  });
});

test.each(
  ['types', 'get-port-types'].flatMap((name) => [
    { name, resolution: 'node16', module: 'node16', file: `${name}.cts` },
    { name, resolution: 'node16', module: 'node16', file: `${name}.mts` },
    { name, resolution: 'nodenext', module: 'nodenext', file: `${name}.cts` },
    { name, resolution: 'nodenext', module: 'nodenext', file: `${name}.mts` },
    { name, resolution: 'bundler', module: 'esnext', file: `${name}.ts` },
  ]),
)(
  'tsc compiles $file with moduleResolution $resolution',
  here,
  async ({ name, resolution, module, file }) => {
    const project = new Consumer();
    project.install('@types/node');
    project.copy(`${name}.txt`, file);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      target: 'es2022',
      module,
      moduleResolution: resolution,
      types: ['node'],
    };
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }));
    expect(await project.run(join(modules, 'typescript', 'bin', 'tsc'), '-p', '.')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  },
);
