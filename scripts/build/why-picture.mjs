// Writes docs/why.svg, a picture of what `bindport why` prints: npm run build:picture
// The server, the command and its output are real; only the colours are this program's.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../project.mjs';

const PORT = '3000';
const FONT_SIZE = 14;
const LINE = 19;
/** Of a monospaced font of that size, as browsers have them. */
const CHARACTER = 8.43;
const MARGIN = 20;

const folder = mkdtempSync(join(tmpdir(), 'bindport-why-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
const server = join(folder, 'server.js');
writeFileSync(
  server,
  "require('node:http').createServer().listen(process.env.PORT, '127.0.0.1', () => process.send('here'));",
);
const child = spawn('node', ['server.js'], {
  cwd: folder,
  env: { ...process.env, PORT },
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
});
await once(child, 'message');
const { stdout } = spawnSync(process.execPath, [join(root, 'dist/cli/main.js'), 'why', PORT], {
  encoding: 'utf8',
});
child.kill();

const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const painted = (line) => {
  const text = escaped(line);
  if (/^\S/.test(line))
    return `<tspan class="${line.startsWith('Port') ? 'red' : 'bold'}">${text}</tspan>`;
  return text
    .replace(/\ballowed\b/, '<tspan class="green">$&</tspan>')
    .replace(/\bEADDRINUSE\b/, '<tspan class="red">$&</tspan>')
    .replace(/`[^`]+`/g, '<tspan class="bold">$&</tspan>');
};

const lines = [`$ npx bindport why ${PORT}`, ...stdout.trimEnd().split('\n')];
const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * CHARACTER + 2 * MARGIN);
const height = lines.length * LINE + 2 * MARGIN;
const rows = lines.map((line, i) => {
  const text = i === 0 ? `<tspan class="dim">${escaped(line)}</tspan>` : painted(line);
  return `<text x="${MARGIN}" y="${MARGIN + (i + 0.75) * LINE}">${text}</text>`;
});
writeFileSync(
  join(root, 'docs/why.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" width="${width}" height="${height}" role="img" aria-label="What bindport why prints">
<style>
text { font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328; white-space: pre; }
rect { fill: #f6f8fa; } .bold { font-weight: bold; } .dim { fill: #656d76; } .red { fill: #cf222e; } .green { fill: #1a7f37; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } rect { fill: #161b22; } .dim { fill: #8d96a0; } .red { fill: #ff7b72; } .green { fill: #3fb950; }
}
</style>
<rect width="100%" height="100%" rx="8"/>
${rows.join('\n')}
</svg>
`,
);
