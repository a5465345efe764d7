import type { Option, Options } from '../command';
import {
  type CompletedCommand,
  type CompletionTable,
  gist,
  quoted,
  spellings,
  takesValue,
} from './table';

/** In the brackets of _arguments. */
function explained(option: Option): string {
  return `[${gist(option).replace(/[[\]\\]/g, '\\$&')}]`;
}

/** One argument of _arguments: the option, what excludes it, what it does and what its value can be. */
function specification([name, option]: [string, Option]): string {
  const { multiple = false, value = '', offers = [] } = option;
  const all = spellings(name, option);
  // Once is enough for most; --help stands alone.
  const others = name === 'help' ? '(- *)' : multiple ? '*' : `(${all.join(' ')})`;
  const offered = takesValue(option)
    ? `:${value}:${offers.length > 0 ? `(${offers.join(' ')})` : ' '}`
    : '';
  const after = `${takesValue(option) ? '=' : ''}${explained(option)}${offered}`;
  if (all.length === 1) return quoted(`${others}${all[0]}${after}`);
  return `${quoted(others)}{${all.join(',')}}${quoted(after)}`;
}

function specifications(options: Options): string[] {
  return Object.entries(options).map(specification);
}

function operandOf({ operand }: CompletedCommand): string[] {
  if (operand === 'program') {
    // After a space an action is called as it stands.
    return [quoted('(-)1:program: _command_names -e'), quoted('*::argument: _normal')];
  }
  return operand === undefined ? [] : [quoted(`1: :(${operand.join(' ')})`)];
}

function commandCase(command: CompletedCommand): string {
  const all = [...specifications(command.options), ...operandOf(command)];
  return `        ${command.name})
          _arguments -S \\
            ${all.join(' \\\n            ')} ;;`;
}

export function zshScript({ commands, options }: CompletionTable): string {
  const described = commands.map(({ name, summary }) => quoted(`${name}:${summary}`));
  return `#compdef bindport
# Completion of bindport in zsh. In ~/.zshrc, after compinit: source <(bindport completion zsh)
# Or as the file _bindport in a folder of $fpath.

_bindport() {
  local curcontext=$curcontext state line
  local -A opt_args
  local -a names # zsh has \`commands\`, its own
  _arguments -C \\
    ${specifications(options).join(' \\\n    ')} \\
    '1: :->command' '*:: :->argument' && return
  case $state in
    command)
      names=(
        ${described.join('\n        ')}
      )
      _describe -t commands command names
      ;;
    argument)
      case $words[1] in
${commands.map(commandCase).join('\n')}
      esac
      ;;
  esac
}

if [[ $funcstack[1] == _bindport ]]; then
  _bindport "$@"
else
  compdef _bindport bindport
fi
`;
}
