// Are the binaries that the package ships the right ones? Reads the files themselves.
//
//   node scripts/check/prebuilds.mjs [--in FOLDER] [TARGET…]
//
// FOLDER: where prebuilds/ is, the project by default; TARGET: all by default.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { digest, MANIFEST, sourcesDigest } from '../build/prebuild-manifest.mjs';
import { filesOf, launcherOf, targetNames, targets } from '../build/targets.mjs';
import { fail, require, root } from '../project.mjs';
import { read } from './binary-formats.mjs';

const FORMATS = { linux: 'ELF', win: 'PE', mac: 'Mach-O' };
const GLIBC_FLOOR = '2.17';
const NODE_API = 8;
const MOST_BYTES = 200 * 1024;
const MOST_BYTES_LAUNCHER = 64 * 1024;
/** zig's linker for macOS exports the whole C++ library, and so keeps it; Apple's does not. */
const MOST_BYTES_MAC = 420 * 1024;

// The C library of each system and what belongs to it; the C++ library is linked in.
const SYSTEM_LIBRARIES = {
  linux: /^(?:lib(?:c|m|dl|pthread|rt)\.so\.\d|libc\.so|ld-linux[\w-]*\.so\.\d)$/,
  win: /^(?:KERNEL32|WS2_32|IPHLPAPI|ADVAPI32|ntdll|msvcrt|api-ms-win-crt-[\w-]+)\.dll$/i,
  mac: /^\/usr\/lib\/libSystem\.B\.dylib$/,
};

const { js_native_api_symbols: language, node_api_symbols: runtime } =
  require('node-api-headers').symbols[`v${NODE_API}`];
const allowed = new Set([...language, ...runtime]);
// What a loader looks for, and what zig's linkers export besides: they are told otherwise for ELF alone.
const ENTRY_POINTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
const EXPORTED_BESIDES = {
  linux: /^$/,
  win: /^(?:_Unwind_|unw_|_GCC_specific_handler$)/,
  mac: /^/,
};

const older = (version, floor) => version.localeCompare(floor, 'en', { numeric: true }) <= 0;

const said = (condition, text) => (condition ? [] : [text]);

/** What is wrong with one addon, by what it says of itself. */
function addonFaults(name, it, size) {
  const { os, file } = targets[name];
  const [, arch] = name.split('-');
  const foreign = [
    ...said(it.format === FORMATS[os], `it is ${it.format}, not ${FORMATS[os]}`),
    ...said(it.architecture === arch, `it is for ${it.architecture}, not ${arch}`),
  ];
  if (foreign.length > 0) return foreign;
  const nodeApi = it.imported.filter(
    (symbol) => /^(?:napi|node_api)_/.test(symbol) && !ENTRY_POINTS.includes(symbol),
  );
  const newer = nodeApi.filter((symbol) => !allowed.has(symbol));
  const others = it.needs.filter((library) => !SYSTEM_LIBRARIES[os].test(library));
  const missing = ENTRY_POINTS.filter((symbol) => !it.exported.includes(symbol));
  const extra = it.exported.filter(
    (symbol) => !ENTRY_POINTS.includes(symbol) && !EXPORTED_BESIDES[os].test(symbol),
  );
  const most = os === 'mac' ? MOST_BYTES_MAC : MOST_BYTES;
  const musl = file.includes('.musl.');
  return [
    ...said(size <= most, `it has ${size} bytes, more than ${most}`),
    ...said(nodeApi.length > 0, 'it uses no Node-API'),
    ...said(newer.length === 0, `newer than Node-API ${NODE_API}: ${newer}`),
    ...said(others.length === 0, `it needs libraries that are not the system's: ${others}`),
    ...said(missing.length === 0, `it does not export ${missing}`),
    ...said(extra.length === 0, `it exports ${extra}`),
    // Only Apple silicon refuses code without one (an ad-hoc one will do), and only there zig signs.
    ...said(name !== 'darwin-arm64' || it.signed, 'it has no code signature'),
    ...said(
      os !== 'linux' || (musl ? it.glibc === undefined : it.glibc !== undefined),
      musl ? `it needs glibc ${it.glibc}` : 'it is not for glibc',
    ),
    ...said(
      it.glibc === undefined || older(it.glibc, GLIBC_FLOOR),
      `it needs glibc ${it.glibc}, newer than ${GLIBC_FLOOR}`,
    ),
  ];
}

/** What is wrong with one launcher, a program that npm must install as one. */
function launcherFaults(name, it, { size, mode }) {
  const [, arch] = name.split('-');
  const most = MOST_BYTES_LAUNCHER;
  return [
    ...said(it.format === 'ELF' && it.architecture === arch, `it is for ${it.architecture}`),
    ...said(it.needs.length === 0, `it needs libraries: ${it.needs}`),
    ...said(size <= most, `it has ${size} bytes, more than ${most}`),
    // Windows has no such bits, and can't pack it.
    ...said((mode & 0o111) === 0o111, 'not everybody may execute it'),
  ];
}

const { values, positionals } = parseArgs({
  options: { in: { type: 'string', default: root } },
  allowPositionals: true,
});
const folder = resolve(values.in);
const names = targetNames(positionals);
const manifestPath = join(folder, MANIFEST);
const manifest = existsSync(manifestPath) ? JSON.parse(readFileSync(manifestPath, 'utf8')) : {};
const sources = sourcesDigest(root);
const problems = [];

/** What a file says of itself, and what is wrong with it: all that can be said of one that is no binary. */
function examined(name, file, bytes) {
  let it;
  try {
    it = read(bytes);
  } catch (error) {
    return { faults: [error.message] };
  }
  const faults =
    file === launcherOf(name)
      ? launcherFaults(name, it, statSync(join(folder, file)))
      : addonFaults(name, it, bytes.length);
  return { it, faults };
}

const files = new Map(names.flatMap((name) => filesOf(name).map((file) => [file, name])));
for (const [file, name] of files) {
  const path = join(folder, file);
  if (!existsSync(path)) {
    problems.push(`${file}: missing`);
    continue;
  }
  const bytes = readFileSync(path);
  const made = manifest[file];
  const { it, faults: found } = examined(name, file, bytes);
  if (made?.sha256 !== digest(bytes)) found.push('it is not the one that the last build made');
  else if (made.sources !== sources) found.push('it was built from other sources: too old');
  problems.push(...found.map((fault) => `${file}: ${fault}`));
  if (found.length === 0) {
    const { format, architecture, needs, glibc } = it;
    const floor = glibc === undefined ? '' : `, glibc ${glibc}`;
    console.log(
      `${file.padEnd(46)}${String(Math.round(bytes.length / 1024)).padStart(4)} KB  ` +
        `${format} ${architecture}${floor}; ${needs.length > 0 ? `needs ${needs.join(' ')}` : 'needs nothing'}`,
    );
  }
}

const expected = new Set([MANIFEST, ...Object.keys(targets).flatMap(filesOf)]);
if (existsSync(join(folder, 'prebuilds'))) {
  for (const entry of readdirSync(join(folder, 'prebuilds'), {
    recursive: true,
    withFileTypes: true,
  })) {
    if (entry.isDirectory()) continue;
    const file = posix.join(
      entry.parentPath.slice(folder.length + 1).replaceAll('\\', '/'),
      entry.name,
    );
    if (!expected.has(file)) problems.push(`${file}: no target has it`);
  }
}
if (problems.length > 0) {
  fail(`${problems.join('\n')}\n\n\`npm run build:prebuilds\` makes all of them.`);
}
