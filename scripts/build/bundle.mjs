// Bundles src into the few files that are shipped, after tsc has written the declarations: npm run build:ts.
// Reading many files, and parsing what is never called, is most of what loading would take.
//
//   dist/index.js            the public names, and nothing else: Node's import reads the file to find them
//   dist/lib/core.js         what most programs use, and what several parts need: there is one of each
//   dist/lib/options.js, …   other parts: each is loaded when something of it is used
//   dist/cli/main.js         the commands
//   dist/get-port.js, .mjs   the stand-in for get-port
//   dist/LICENSES.txt        the licences of the packages that are in these files
//
// The sources import each other as usual: what is loaded late is decided here alone.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { fail, root } from '../project.mjs';

const source = join(root, 'src');
const dist = join(root, 'dist');

const programs = ['cli/main', 'get-port'];

const common = {
  platform: 'node',
  target: 'node20',
  outdir: dist,
  absWorkingDir: root,
};

/** A module is called by its path in src: `base/errors`. */
const moduleOf = (path) => relative(source, path).replaceAll('\\', '/').replace(/\.ts$/, '');
const pathOf = (module) => join(source, `${module}.ts`);

/** What esbuild tells of modules without writing anything. */
async function analyse(modules, options) {
  const { metafile } = await build({
    ...common,
    ...options,
    entryPoints: modules.map(pathOf),
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  return metafile;
}

/** The names that a module exports. */
async function namesOf(module) {
  const { outputs } = await analyse([module], { format: 'esm' });
  return Object.values(outputs)[0].exports;
}

const { inputs } = await analyse(['index', ...programs], { bundle: true });
/** The modules that each module imports; imports of types are none. */
const importsOf = new Map(
  Object.entries(inputs).map(([file, { imports }]) => [
    moduleOf(join(root, file)),
    imports.filter(({ external }) => !external).map(({ path }) => moduleOf(join(root, path))),
  ]),
);

/** Those modules of inspection/ that others import; linux/system is small, and reservePort needs it. */
const usedOfInspection = [...importsOf].flatMap(([from, to]) =>
  from.startsWith('inspection/')
    ? []
    : to.filter((module) => /^inspection\/(?!linux\/system$)/.test(module)),
);

/** The parts that are loaded late, each with its doors: modules that have functions alone, which load it. */
const lateParts = {
  'lib/options': ['options/socket-options'],
  'lib/inspection': [...new Set(usedOfInspection), 'ports/bind-conflicts'],
  'lib/programs': ['reservation/spawn'],
  'lib/send-socket': ['serving/send-socket/send-socket'],
};
const doors = Object.values(lateParts).flat();

/** Every file of dist with the modules by which it is entered. */
const entries = {
  'lib/core': ['index'],
  ...lateParts,
  ...Object.fromEntries(programs.map((program) => [program, [program]])),
};

/** The file that each module is in: the one from whose entries it is reached, or core if from several. */
const homeOf = new Map();
for (const [file, modules] of Object.entries(entries)) {
  const reached = new Set();
  const enter = (module) => {
    if (reached.has(module)) return;
    reached.add(module);
    homeOf.set(module, homeOf.has(module) ? 'lib/core' : file);
    for (const next of importsOf.get(module)) if (!doors.includes(next)) enter(next);
  };
  for (const module of modules) enter(module);
}

/**
 * Source that stands for a module in another file: its exports are taken from there, by a door's at the first call.
 * Files are asked for by `bindportFile`, so that a copy of the package stays one: `require` would mix it with the next
 * where the cache was emptied in between, as jest.resetModules() does.
 */
async function standInFor(module) {
  const names = await namesOf(module);
  const there = `bindportFile('${homeOf.get(module)}')['${module}']`;
  if (!doors.includes(module)) return `export const { ${names.join(', ')} } = ${there};`;
  const text = readFileSync(pathOf(module), 'utf8');
  const isFunction = (name) => new RegExp(`^export (async )?function ${name}\\b`, 'm').test(text);
  const other = names.find((name) => !isFunction(name));
  if (other !== undefined)
    fail(`${module} is loaded late: ${other} can't be exported, no function`);
  const functions = names.map(
    (name) => `export function ${name}(...given) { return there().${name}(...given); }`,
  );
  return `let loaded;\nconst there = () => (loaded ??= ${there});\n${functions.join('\n')}`;
}

/** Has modules of other files imported from those. */
const acrossFiles = (file) => ({
  name: 'across-files',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^\./ }, async ({ path, namespace, pluginData, resolveDir, kind }) => {
      if (namespace === 'elsewhere') return { path, external: true };
      if (pluginData === 'resolving') return undefined;
      const resolved = await resolve(path, { resolveDir, kind, pluginData: 'resolving' });
      const module = moduleOf(resolved.path);
      return homeOf.get(module) === file ? resolved : { path: module, namespace: 'elsewhere' };
    });
    onLoad({ filter: /.*/, namespace: 'elsewhere' }, async ({ path: module }) => ({
      contents: await standInFor(module),
    }));
  },
});

const bundle = (file, { around: [before, after = ''], ...entry }) =>
  build({
    ...common,
    ...entry,
    banner: { js: `'use strict';\n${before}` },
    footer: { js: after },
    bundle: true,
    format: 'cjs',
    sourcemap: true,
    // A stack names the file and line in src all the same; the texts would be an eighth of the package.
    sourcesContent: false,
    plugins: [acrossFiles(file)],
  });

/** What is around core: it loads the other files, each once. */
const fileLoader = `const bindportFiles = { 'lib/core': module };
const bindportLoaders = {
${Object.keys(lateParts)
  .map((file) => `  '${file}': () => require('./${file.slice('lib/'.length)}.js'),`)
  .join('\n')}
};
function bindportFile(name) {
  if (bindportFiles[name] === undefined) {
    const file = { exports: {} };
    bindportLoaders[name]()(bindportFile, file);
    bindportFiles[name] = file;
  }
  return bindportFiles[name].exports;
}`;

/** What is around a late part. */
const inFunction = ['module.exports = (bindportFile, module) => {', '};'];

/**
 * A part exports, by module, what its entries do and what other files need of its other modules. As values: esbuild's
 * own exports are getters of getters, which take long to make and are slow.
 */
async function bundlePart(file) {
  const needed = [...importsOf].flatMap(([from, to]) => (homeOf.get(from) === file ? [] : to));
  const modules = [...new Set([...entries[file], ...needed])].filter(
    (module) => homeOf.get(module) === file,
  );
  const parts = modules.map(async (module, i) => {
    const names = await namesOf(module);
    return {
      imports: `import { ${names.map((name) => `${name} as ${name}_${i}`).join(', ')} } from './${module}';`,
      exports: `'${module}': { ${names.map((name) => `${name}: ${name}_${i}`).join(', ')} }`,
    };
  });
  const all = await Promise.all(parts);
  await bundle(file, {
    around: file === 'lib/core' ? [fileLoader] : inFunction,
    stdin: {
      contents: `${all.map(({ imports }) => imports).join('\n')}
module.exports = { bindportFile, ${all.map(({ exports }) => exports).join(',\n')} };`,
      resolveDir: source,
    },
    outdir: undefined,
    outfile: join(dist, `${file}.js`),
  });
}

for (const file of ['lib/core', ...Object.keys(lateParts)]) await bundlePart(file);
for (const program of programs) {
  const core = relative(join(dist, program, '..'), join(dist, 'lib/core.js')).replaceAll('\\', '/');
  await bundle(program, {
    around: [`const { bindportFile } = require('${core.startsWith('.') ? core : `./${core}`}');`],
    entryPoints: [{ in: pathOf(program), out: program }],
  });
}
await build({
  ...common,
  entryPoints: [join(source, 'get-port.mts')],
  outExtension: { '.js': '.mjs' },
});

// import finds the names of exports by reading the source (cjs-module-lexer), which takes 40 ms for core.js. In
// this file it finds them in the last line, and no `module.exports = require(…)` that it would follow.
const names = await namesOf('index');
writeFileSync(
  join(dist, 'index.js'),
  `'use strict';
const { index } = require('./lib/core.js');
const library = { ...index };
module.exports = Object.defineProperty(library, '__esModule', { value: true });
0 && (module.exports = { ${names.join(', ')} });
`,
);

/** The folders of the packages of others that are bundled. */
const packages = new Set(
  Object.keys(inputs).flatMap((file) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []),
);
const licences = [...packages].sort().map((folder) => {
  const { name, version } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) fail(`${folder} has no licence`);
  return `${name} ${version}\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
});
writeFileSync(join(dist, 'LICENSES.txt'), licences.join(`\n${'-'.repeat(72)}\n\n`));
