// Writes docs/api from the docstrings: node scripts/build/api-doc.mjs [--check]
// --check: fails where what is there is not what would be written.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetched } from '../check/fetched.mjs';
import { fail, must, root } from '../project.mjs';

// typedoc 0.28 reads TypeScript up to 6, whose compiler is a library of JavaScript; 7 is a program. So it brings
// its own, apart from the project's.
const tools = fetched('typedoc', {
  typedoc: '0.28.20',
  'typedoc-plugin-markdown': '4.14.1',
  typescript: '5.9.3',
});

const write = (folder) => {
  const options = {
    tsconfig: 'tsconfig.build.json',
    plugin: join(tools, 'node_modules/typedoc-plugin-markdown/dist/index.js'),
    out: folder,
    name: 'bindport',
    readme: 'none',
    router: 'module',
  };
  const switches = [
    '--excludeInternal',
    '--excludePrivate',
    '--disableSources',
    '--hidePageHeader',
    '--hideBreadcrumbs',
  ];
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  must(process.execPath, [
    join(tools, 'node_modules/typedoc/bin/typedoc'),
    ...args,
    ...switches,
    'src/index.ts',
    'src/reservation/get-port.ts',
  ]);
};

const texts = (folder) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );

const kept = join(root, 'docs/api');
if (process.argv[2] === '--check') {
  const folder = mkdtempSync(join(tmpdir(), 'bindport-api-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  write(folder);
  const [now, then] = [texts(folder), texts(kept)];
  const names = [...new Set([...Object.keys(now), ...Object.keys(then)])];
  const stale = names.filter((name) => now[name] !== then[name]);
  if (stale.length > 0)
    fail(`stale: ${stale.map((name) => `docs/api/${name}`).join(', ')}: \`npm run build:api\``);
} else {
  write(kept);
}
