// Before the package is published: is anything left open that only the one who publishes it knows?
//
//   node scripts/check/release.mjs [TAG]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from '../project.mjs';

const read = (name) => readFileSync(join(root, name), 'utf8');
const { version, ...manifest } = JSON.parse(read('package.json'));

const open = Object.keys(manifest).filter((key) =>
  JSON.stringify(manifest[key]).includes('PLACEHOLDER'),
);
if (open.length > 0) fail(`package.json has placeholders: ${open.join(', ')}`);
if (!read('CHANGELOG.md').includes(`\n## ${version}`))
  fail(`CHANGELOG.md has no section ## ${version}`);

const [tag] = process.argv.slice(2);
if (tag !== undefined && tag !== `v${version}`) fail(`the tag is ${tag}, the version ${version}`);
