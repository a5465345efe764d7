// Builds the addon for other platforms: node scripts/build/cross-build.mjs [--missing | --if-none] [TARGET…], all by default.
// --missing: not again what is there and was built from these sources. --if-none: nothing where there is a set.
// Sources, defines and libraries come from binding.gyp; the results go where src/base/addon.ts looks.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fail, require, root } from '../project.mjs';
import { isCurrent, MANIFEST, record } from './prebuild-manifest.mjs';
import { fileOf, filesOf, launcherOf, launcherTriple, targetNames, targets } from './targets.mjs';
import { zig } from './zig.mjs';

const compileFlags = [
  ...['-std=c++17', '-Os', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'],
  ...['-ffunction-sections', '-fdata-sections', '-Wall', '-Wextra', '-Wpedantic', '-Werror'],
];

const write = (path, text) => writeFileSync(join(root, path), text);

// The C++ library's terminate handler brings a demangler of 90 KB, to print the type of an exception that
// nobody caught; the addon throws none. Defined here, the library's is not linked.
const noDemangler = (folder) => {
  const source = join(folder, 'no_demangler.cc');
  write(
    source,
    'extern "C" char* __cxa_demangle(const char*, char*, unsigned long*, int*) { return nullptr; }\n',
  );
  return source;
};

// A PE file has the time of its making in it, and zig's linker does not take --no-insert-timestamp: with 0 in
// its place the same sources give the same bytes, as for the other systems.
const dropTimestamp = (path) => {
  const bytes = readFileSync(path);
  bytes.writeUInt32LE(0, bytes.readUInt32LE(0x3c) + 8);
  writeFileSync(path, bytes);
};

// Node-API is in the program that loads the addon; each system's linker is told so in another way.
// Each function may write files for it in `folder`, which like every path of ours is relative to the root.
const linkFlags = {
  // Node's headers call Node-API through import pointers. Filled in by hand rather than from node.exe,
  // they serve a program of any other name too.
  win: (folder, { symbols }) => {
    const pointers = symbols.map(
      (symbol) => `extern "C" FARPROC __imp_${symbol};\nFARPROC __imp_${symbol};\n`,
    );
    const lookUps = symbols.map(
      (symbol) => `  __imp_${symbol} = GetProcAddress(program, "${symbol}");\n`,
    );
    const source = join(folder, 'node_api.cc');
    write(
      source,
      `#include <windows.h>\n${pointers.join('')}` +
        `__attribute__((constructor(101))) static void resolve() {\n` +
        `  HMODULE program = GetModuleHandleW(nullptr);\n${lookUps.join('')}}\n`,
    );
    return ['-s', '-Wl,--gc-sections', source];
  },
  // The C++ library is linked in, and must not be mixed with the program's or another addon's.
  linux: (folder) => {
    const map = join(folder, 'exports.map');
    write(
      map,
      '{ global: napi_register_module_v*; node_api_module_get_api_version_v*; local: *; };\n',
    );
    return ['-s', '-Wl,--gc-sections', `-Wl,--version-script=${map}`];
  },
  mac: () => [
    '-s',
    '-Wl,-dead_strip',
    '-Wl,-undefined,dynamic_lookup',
    '-Wl,-install_name,@rpath/bindport.node',
  ],
};

// gyp files are Python literals; ours, without its comment lines, is a JavaScript one too.
const readGyp = (os) => {
  const text = readFileSync(join(root, 'binding.gyp'), 'utf8').replace(/^\s*#.*$/gm, '');
  const file = new Function(`return (${text})`)();
  const holds = (condition) => {
    const match = /^OS\s*([!=]=)\s*['"](\w+)['"]$/.exec(condition);
    if (!match) fail(`binding.gyp: cross-build.mjs cannot read the condition ${condition}`);
    return (match[1] === '==') === (match[2] === os);
  };
  // [condition, then, condition, then, …, else], of which the else may be missing.
  const choose = ([condition, whenTrue, ...rest]) => {
    if (whenTrue === undefined) return condition ?? {};
    return holds(condition) ? whenTrue : choose(rest);
  };
  const list = (part, key) =>
    [part, ...(part.conditions ?? []).map(choose)].flatMap((chosen) => chosen[key] ?? []);
  const [addon, launcher] = list(file, 'targets').map((target) => ({
    name: target.target_name,
    sources: list(target, 'sources'),
    defines: list(target, 'defines'),
    libraries: list(target, 'libraries'),
    // without the one that a command prints: node-addon-api's
    includes: list(target, 'include_dirs').filter((folder) => !folder.startsWith('<!')),
  }));
  return { addon, launcher };
};

const nodeApiSymbols = (defines) => {
  const version = defines.map((define) => /^NAPI_VERSION=(\d+)$/.exec(define)?.[1]).find(Boolean);
  if (!version) fail('binding.gyp does not define NAPI_VERSION');
  const { js_native_api_symbols: language, node_api_symbols: runtime } =
    require('node-api-headers').symbols[`v${version}`];
  return [...language, ...runtime];
};

/** Node's headers, if they are on this machine. */
export const nodeHeaders = () => {
  const nodedir =
    process.env.npm_config_nodedir ??
    spawnSync('npm', ['config', 'get', 'nodedir'], { encoding: 'utf8' }).stdout?.trim();
  const folders = [
    resolve(dirname(process.execPath), '../include/node'),
    ...(nodedir ? [resolve(nodedir, 'include/node')] : []),
    // where `node-gyp install` keeps them
    join(homedir(), '.cache/node-gyp', process.versions.node, 'include/node'),
    join(homedir(), 'Library/Caches/node-gyp', process.versions.node, 'include/node'),
  ];
  return folders.find((folder) => existsSync(join(folder, 'node_api.h')));
};

const report = (output, started) => {
  const kilobytes = Math.round(statSync(join(root, output)).size / 1024);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${output}  ${kilobytes} KB  ${seconds} s`);
};

// One for both C libraries: it needs neither.
const buildLauncher = (name, { sources }) => {
  const started = performance.now();
  const output = launcherOf(name);
  const flags = ['-Os', '-static', '-s', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
  const args = ['cc', '-target', launcherTriple(name), ...flags, '-o', output, ...sources];
  zig(args, `building the launcher of ${name}`);
  chmodSync(join(root, output), 0o755);
  record(root, output);
  report(output, started);
};

/** Builds one target; a compiler's error or warning ends the program. */
export const build = (name) => {
  const started = performance.now();
  const target = targets[name];
  const { addon: gyp, launcher } = readGyp(target.os);
  // Linkers leave by-products beside their output, so they work in a folder of their own. The paths that they
  // put into it are relative, and the same on every machine.
  const folder = join('.cache/cross', name);
  const linked = join(folder, 'bindport.node');
  const output = fileOf(name);
  for (const path of [folder, dirname(output)]) mkdirSync(join(root, path), { recursive: true });

  const defines = [
    ...gyp.defines,
    `NODE_GYP_MODULE_NAME=${gyp.name}`,
    'BUILDING_NODE_EXTENSION',
    '_FILE_OFFSET_BITS=64',
  ];
  const args = [
    ...['c++', '-target', target.triple, '-shared', '-o', linked],
    ...compileFlags,
    ...defines.map((define) => `-D${define}`),
    ...[
      '-isystem',
      nodeHeaders() ?? fail("Node's headers are missing: `npx node-gyp install` gets them"),
      '-isystem',
      dirname(require.resolve('node-addon-api/package.json')),
    ],
    ...gyp.includes.map((folder) => `-I${folder}`),
    ...gyp.sources,
    noDemangler(folder),
    ...gyp.libraries.map((library) => library.replace(/^(?:-l)?(.+?)(?:\.lib)?$/i, '-l$1')),
    ...linkFlags[target.os](folder, { symbols: nodeApiSymbols(gyp.defines) }),
  ];
  zig(args, `building ${name}`);
  if (target.os === 'win') dropTimestamp(join(root, linked));
  renameSync(join(root, linked), join(root, output));
  record(root, output);
  report(output, started);
  if (launcher) buildLauncher(name, launcher);
};

/** Builds the targets that are missing, or were built from other sources. */
export const buildMissing = (names) =>
  names.filter((name) => !filesOf(name).every((file) => isCurrent(root, file))).forEach(build);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { missing: { type: 'boolean' }, 'if-none': { type: 'boolean' } },
    allowPositionals: true,
  });
  const names = targetNames(positionals);
  if (values.missing) buildMissing(names);
  // A set that somebody made is checked and never mended: it may come from the systems themselves.
  else if (values['if-none'] && existsSync(join(root, MANIFEST))) process.exit();
  else names.forEach(build);
}
