#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withoutHidden } from '../base/visible';
import { type Command, HELP, type Options, optionsHelp, UsageError } from './command';
import type { CompletionTable } from './completion/table';
import { nearest } from './nearest';

interface Entry {
  /** One line for the list of commands. */
  readonly summary: string;
  /** Loads it, and of this package only what it needs: most of the time that `bindport list` takes is loading. */
  load(): Command;
}

/** What stands in the place of a command. */
const options = {
  version: {
    type: 'boolean',
    short: 'v',
    default: false,
    about: 'print which one this is',
  },
  help: HELP,
} as const satisfies Options;

const commands: ReadonlyMap<string, Entry> = new Map([
  [
    'completion',
    {
      summary: 'have bash, zsh or fish complete all of this',
      load: () =>
        (
          require('./completion/completion') as typeof import('./completion/completion')
        ).completionOf(completionTable),
    },
  ],
  [
    'find',
    {
      summary: 'print ports that nobody uses',
      load: () => (require('./find') as typeof import('./find')).find,
    },
  ],
  [
    'inspect',
    {
      summary: 'every option of a socket of another program',
      load: () => (require('./inspect') as typeof import('./inspect')).inspect,
    },
  ],
  [
    'list',
    {
      summary: 'who listens where',
      load: () => (require('./list') as typeof import('./list')).list,
    },
  ],
  [
    'matrix',
    {
      summary: 'what a second bind to a port gets here, measured',
      load: () => (require('./matrix') as typeof import('./matrix')).matrix,
    },
  ],
  [
    'run',
    {
      summary: 'run a program on a port that is kept for it',
      load: () => (require('./run') as typeof import('./run')).run,
    },
  ],
  [
    'wait',
    {
      summary: 'wait until a port has a listener, or a URL answers',
      load: () => (require('./wait') as typeof import('./wait')).wait,
    },
  ],
  [
    'why',
    {
      summary: 'why a port can not be bound, or nobody is reached there',
      load: () => (require('./why') as typeof import('./why')).why,
    },
  ],
]);

/** The command that tells of the others. */
const HELP_COMMAND = { name: 'help', summary: 'tell more of a command' };

function completionTable(): CompletionTable {
  const names = [...commands.keys()];
  const all = [...commands].map(([name, { summary, load }]) => {
    const { options, operand } = load();
    return { name, summary, options, operand };
  });
  return { commands: [...all, { ...HELP_COMMAND, options: {}, operand: names }], options };
}

function overview(): string {
  const width = Math.max(...[...commands.keys()].map((name) => name.length)) + 2;
  const lines = [...commands].map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`);
  return `Usage: bindport COMMAND [OPTION]...

${lines.join('\n')}

${optionsHelp(options)}
  bindport help COMMAND tells more.
  Exit status: 0 done, 1 the answer is no, 2 bad use.
`;
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8'));
  const found = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return `${found ? manifest.version : 'unknown'}\n`;
}

function unknown(name: string): string {
  const meant = nearest(name, commands.keys());
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `bindport: unknown command '${withoutHidden(name)}'${hint}\n\n`;
}

/** Whether parseArgs, this program or an option's check refused what was given. */
function isBadUse(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return false;
  return /^ERR_(PARSE_ARGS|INVALID_ARG|OUT_OF_RANGE)/.test(error.code);
}

function main([name = '', ...args]: readonly string[]): number | Promise<number> {
  if (name === '--version' || name === '-v') {
    process.stdout.write(version());
    return 0;
  }
  const asksForHelp = name === '--help' || name === '-h' || name === 'help';
  if (!asksForHelp) return run(name, args);
  const [about] = name === 'help' ? args : [];
  // Its own option has one place where it is printed.
  if (about !== undefined) return run(about, ['--help']);
  process.stdout.write(overview());
  return 0;
}

async function run(name: string, args: readonly string[]): Promise<number> {
  const entry = commands.get(name);
  if (entry === undefined) {
    process.stderr.write(`${name === '' ? '' : unknown(name)}${overview()}`);
    return 2;
  }
  try {
    return await entry.load().run(args);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`bindport ${name}: ${withoutHidden(error.message)}\n`);
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

Promise.resolve(main(process.argv.slice(2))).then((status) => {
  process.exitCode = status;
});
