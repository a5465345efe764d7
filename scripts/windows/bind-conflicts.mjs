// Prints what a second bind to a port gets on this machine, on Windows beside Microsoft's table:
// node scripts/windows/bind-conflicts.mjs, or node scripts/windows/run.mjs scripts/windows/bind-conflicts.mjs
import { readFileSync } from 'node:fs';
import { bindConflicts } from 'bindport';

const file = new URL('../../test/fixtures/ports/windows-bind-conflicts.json', import.meta.url);
const microsoft = JSON.parse(readFileSync(file, 'utf8'));
const beside = process.platform === 'win32';

const measured = await bindConflicts();
const addresses = ['wildcard', 'specific'];
const columns = Object.keys(measured).flatMap((option) => addresses.map((a) => [option, a]));
let equal = 0;

const cell = (first, firstAddress, second, secondAddress) => {
  const ours = measured[first][firstAddress][second][secondAddress];
  if (!beside) return ours;
  const theirs = microsoft.codes[microsoft.sameUser[first][firstAddress][second][secondAddress]];
  if (ours !== theirs) return `${ours} (Microsoft: ${theirs})`;
  equal += 1;
  return ours;
};

const row = (cells) => `| ${cells.join(' | ')} |`;
console.log(row(['first, then second', ...columns.map((column) => column.join(', '))]));
console.log(row(Array.from({ length: columns.length + 1 }, () => '---')));
for (const first of columns)
  console.log(row([first.join(', '), ...columns.map((second) => cell(...first, ...second))]));
if (beside) console.log(`\n${equal} of ${columns.length ** 2} as in Microsoft's table`);
