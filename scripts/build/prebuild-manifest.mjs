// Which sources each binary in prebuilds/ was built from.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export const MANIFEST = 'prebuilds/manifest.json';

export const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Of everything that a binary is built from and that the project has. */
export function sourcesDigest(root) {
  const native = readdirSync(join(root, 'native'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      posix.join(entry.parentPath.slice(root.length + 1).replaceAll('\\', '/'), entry.name),
    );
  const { version } = JSON.parse(
    readFileSync(join(root, 'node_modules/node-addon-api/package.json'), 'utf8'),
  );
  const files = [
    'binding.gyp',
    'scripts/build/cross-build.mjs',
    'scripts/build/targets.mjs',
    ...native,
  ];
  const lines = files.toSorted().map((file) => `${file} ${digest(readFileSync(join(root, file)))}`);
  return digest([...lines, `node-addon-api ${version}`].join('\n'));
}

const readManifest = (root) => {
  const path = join(root, MANIFEST);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
};

/** Whether a binary is there and was built from what the project has now. */
export function isCurrent(root, file) {
  const made = readManifest(root)[file];
  return (
    existsSync(join(root, file)) &&
    made?.sha256 === digest(readFileSync(join(root, file))) &&
    made.sources === sourcesDigest(root)
  );
}

/** Writes down what a binary was built from. */
export function record(root, file) {
  const made = { sha256: digest(readFileSync(join(root, file))), sources: sourcesDigest(root) };
  const entries = Object.entries({ ...readManifest(root), [file]: made }).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  writeFileSync(join(root, MANIFEST), `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
}
