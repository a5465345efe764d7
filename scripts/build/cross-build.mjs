// Builds the addon for other platforms: node scripts/build/cross-build.mjs win32-x64 linux-arm64-musl …
// Sources, defines and libraries come from binding.gyp; the results go where node-gyp-build looks.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, require, root } from '../project.mjs';
import { zig } from './zig.mjs';

// `os` is the name that the conditions of binding.gyp know; the tag in `file` is node-gyp-build's.
const targets = {
  'win32-x64': { triple: 'x86_64-windows-gnu', os: 'win', file: 'bindport.node' },
  'win32-arm64': { triple: 'aarch64-windows-gnu', os: 'win', file: 'bindport.node' },
  'linux-x64': { triple: 'x86_64-linux-gnu.2.17', os: 'linux', file: 'bindport.glibc.node' },
  'linux-x64-musl': { triple: 'x86_64-linux-musl', os: 'linux', file: 'bindport.musl.node' },
  'linux-arm64': { triple: 'aarch64-linux-gnu.2.17', os: 'linux', file: 'bindport.glibc.node' },
  'linux-arm64-musl': { triple: 'aarch64-linux-musl', os: 'linux', file: 'bindport.musl.node' },
  'linux-arm': { triple: 'arm-linux-gnueabihf.2.17', os: 'linux', file: 'bindport.glibc.node' },
  'linux-arm-musl': { triple: 'arm-linux-musleabihf', os: 'linux', file: 'bindport.musl.node' },
  'darwin-x64': { triple: 'x86_64-macos.11.0', os: 'mac', file: 'bindport.node' },
  'darwin-arm64': { triple: 'aarch64-macos.11.0', os: 'mac', file: 'bindport.node' },
};

const compileFlags = [
  ...['-std=c++17', '-O2', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'],
  ...['-ffunction-sections', '-fdata-sections', '-Wall', '-Wextra', '-Wpedantic', '-Werror'],
];

const write = (path, text) => writeFileSync(join(root, path), text);

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
  const [target] = new Function(`return (${text})`)().targets;
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
  const chosen = (target.conditions ?? []).map(choose);
  const list = (key) => [target, ...chosen].flatMap((part) => part[key] ?? []);
  return {
    name: target.target_name,
    sources: list('sources'),
    defines: list('defines'),
    libraries: list('libraries'),
    // without the one that a command prints: node-addon-api's
    includes: list('include_dirs').filter((folder) => !folder.startsWith('<!')),
  };
};

const nodeApiSymbols = (defines) => {
  const version = defines.map((define) => /^NAPI_VERSION=(\d+)$/.exec(define)?.[1]).find(Boolean);
  if (!version) fail('binding.gyp does not define NAPI_VERSION');
  const { js_native_api_symbols: language, node_api_symbols: runtime } =
    require('node-api-headers').symbols[`v${version}`];
  return [...language, ...runtime];
};

const nodeHeaders = () => {
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
  const found = folders.find((folder) => existsSync(join(folder, 'node_api.h')));
  return found ?? fail("Node's headers are missing: `npx node-gyp install` gets them");
};

/** Builds one target; a compiler's error or warning ends the program. */
export const build = (name) => {
  const started = performance.now();
  const target = targets[name];
  const gyp = readGyp(target.os);
  const [platform, arch] = name.split('-');
  // Linkers leave by-products beside their output, so they work in a folder of their own. The paths that they
  // put into it are relative, and the same on every machine.
  const folder = join('.cache/cross', name);
  const linked = join(folder, 'bindport.node');
  const output = join('prebuilds', `${platform}-${arch}`, target.file);
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
      nodeHeaders(),
      '-isystem',
      dirname(require.resolve('node-addon-api/package.json')),
    ],
    ...gyp.includes.map((folder) => `-I${folder}`),
    ...gyp.sources,
    ...gyp.libraries.map((library) => library.replace(/^(?:-l)?(.+?)(?:\.lib)?$/i, '-l$1')),
    ...linkFlags[target.os](folder, { symbols: nodeApiSymbols(gyp.defines) }),
  ];
  zig(args, `building ${name}`);
  renameSync(join(root, linked), join(root, output));

  const kilobytes = Math.round(statSync(join(root, output)).size / 1024);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${output}  ${kilobytes} KB  ${seconds} s`);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2);
  const names = given.includes('all') ? Object.keys(targets) : given;
  if (names.length === 0 || names.some((name) => !Object.hasOwn(targets, name))) {
    fail(
      `usage: node scripts/build/cross-build.mjs TARGET…\ntargets: all ${Object.keys(targets).join(' ')}`,
    );
  }
  names.forEach(build);
}
