#!/usr/bin/env node
import { type Command, UsageError } from './command';
import { find } from './find';
import { inspect } from './inspect';
import { list } from './list';
import { matrix } from './matrix';
import { run } from './run';
import { why } from './why';

const commands: ReadonlyMap<string, Command> = new Map([
  ['find', find],
  ['inspect', inspect],
  ['list', list],
  ['matrix', matrix],
  ['run', run],
  ['why', why],
]);

function overview(): string {
  const lines = [...commands].map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return `Usage: bindport COMMAND [OPTION]...

${lines.join('\n')}

  bindport COMMAND --help tells more. Exit status: 0 done, 1 the answer is no, 2 bad use.
`;
}

/** Whether parseArgs, this program or an option's check refused what was given. */
function isBadUse(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return false;
  return /^ERR_(PARSE_ARGS|INVALID_ARG|OUT_OF_RANGE)/.test(error.code);
}

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const command = commands.get(name);
  if (command === undefined) {
    const asked = name === '--help' || name === '-h';
    if (asked) process.stdout.write(overview());
    else process.stderr.write(overview());
    return asked ? 0 : 2;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`bindport ${name}: ${error.message}\n`);
    if (!isBadUse(error)) return 1;
    process.stderr.write(`bindport ${name} --help tells more.\n`);
    return 2;
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe has what it wanted: bindport find -n 1000 | head -1
  if (error.code === 'EPIPE') return;
  process.stderr.write(`bindport: ${error.message}\n`);
  process.exit(1);
});

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
