import { type CompletedCommand, type CompletionTable, quoted, spelled, takesValue } from './table';

/** What can stand after an option: its offers, or nothing that a shell knows. */
function valueCases({ name, options }: CompletedCommand): string[] {
  return Object.entries(options)
    .filter(([, option]) => takesValue(option))
    .map(([long, option]) => {
      const before = spelled({ [long]: option }).map((spelling) => quoted(`${name} ${spelling}`));
      const offers = option.offers ?? [];
      const offer = offers.length > 0 ? `_bindport_offer -W ${quoted(offers.join(' '))}; ` : '';
      return `    ${before.join(' | ')}) ${offer}return ;;`;
    });
}

function wordCases({ name, options, operand }: CompletedCommand): string[] {
  const words = [...(Array.isArray(operand) ? operand : []), ...spelled(options)];
  return [`    ${name}) _bindport_offer -W ${quoted(words.join(' '))} ;;`];
}

/** Of a command that starts a program: the options whose value is not the program. */
function programCases({ name, options, operand }: CompletedCommand): string[] {
  if (operand !== 'program') return [];
  return [`    ${name}) _bindport_program ${spelled(options, takesValue).join(' ')} && return ;;`];
}

/** Works in bash 3.2, which macOS has. */
export function bashScript({ commands, options }: CompletionTable): string {
  const words = [...commands.map(({ name }) => name), ...spelled(options)];
  return `# Completion of bindport in bash. In ~/.bashrc: eval "$(bindport completion bash)"

# Adds what compgen finds for the word at the cursor.
_bindport_offer() {
  local found
  while IFS= read -r found; do COMPREPLY+=("$found"); done < <(compgen "$@" -- "$word")
}

# Completes the program and its own arguments; fails before it. Given are the options that have a value.
_bindport_program() {
  local at=2
  while ((at < COMP_CWORD)); do
    case " $* " in
      *" \${COMP_WORDS[at]} "*)
        [[ \${COMP_WORDS[at + 1]} == = ]] && ((at++))
        ((at += 2))
        continue
        ;;
    esac
    case \${COMP_WORDS[at]} in
      --) ((at++)); break ;;
      -*) ((at++)) ;;
      *) break ;;
    esac
  done
  ((at > COMP_CWORD)) && return 1
  if ((at == COMP_CWORD)); then
    [[ $word == -* && \${COMP_WORDS[at - 1]} != -- ]] && return 1
    _bindport_offer -c
  elif declare -F _command_offset > /dev/null; then
    _command_offset "$at" # of bash-completion: as the program's own completion has it
  else
    compopt -o filenames 2> /dev/null
    _bindport_offer -f
  fi
}

_bindport() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _bindport_offer -W ${quoted(words.join(' '))}
    return
  fi
  # An option and its value with = between them are three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case \${COMP_WORDS[1]} in
${commands.flatMap(programCases).join('\n')}
  esac
  case "\${COMP_WORDS[1]} $before" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case \${COMP_WORDS[1]} in
${commands.flatMap(wordCases).join('\n')}
  esac
}

complete -F _bindport bindport
`;
}
