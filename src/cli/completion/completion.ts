import { parseArgs } from 'node:util';
import { type Command, HELP, type Options, optionsHelp, printHelp, UsageError } from '../command';
import { bashScript } from './bash';
import { fishScript } from './fish';
import type { CompletionTable } from './table';
import { zshScript } from './zsh';

const scripts: ReadonlyMap<string, (table: CompletionTable) => string> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
]);

const options = { help: HELP } as const satisfies Options;

/** @param table what is to be completed, read when a script is asked for */
export function completionOf(table: () => CompletionTable): Command {
  const completion: Command = {
    options,
    operand: [...scripts.keys()],
    help: () => `Usage: bindport completion bash | zsh | fish

Prints a script with which that shell completes commands, options and values when Tab is pressed; behind
'bindport run' the program and its own arguments, too.

  bash  in ~/.bashrc:                 eval "$(bindport completion bash)"
  zsh   in ~/.zshrc, after compinit:  source <(bindport completion zsh)
  fish  once:                         bindport completion fish > ~/.config/fish/completions/bindport.fish

${optionsHelp(options)}
Exit status: 0, 2 bad use.
`,
    async run(args) {
      const { values, positionals } = parseArgs({
        args: [...args],
        allowPositionals: true,
        options,
      });
      if (values.help) return printHelp(completion);
      const [shell, ...others] = positionals;
      const known = [...scripts.keys()].join(', ');
      if (shell === undefined) throw new UsageError(`for which shell? ${known}`);
      const script = scripts.get(shell);
      if (script === undefined) throw new UsageError(`'${shell}' is none of ${known}`);
      if (others.length > 0) throw new UsageError(`one shell, not '${positionals.join(' ')}'`);
      process.stdout.write(script(table()));
      return 0;
    },
  };
  return completion;
}
