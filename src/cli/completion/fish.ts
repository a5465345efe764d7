import type { Option, Options } from '../command';
import { type CompletedCommand, type CompletionTable, gist, spelled, takesValue } from './table';

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}

function optionLine(condition: string, [name, option]: [string, Option]): string {
  const { short, offers = [] } = option;
  return [
    `complete -c bindport -n ${quoted(condition)}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    `-l ${name}`,
    ...(takesValue(option) ? ['-x'] : []),
    ...(offers.length > 0 ? [`-a ${quoted(offers.join(' '))}`] : []),
    `-d ${quoted(gist(option))}`,
  ].join(' ');
}

function optionLines(condition: string, options: Options): string[] {
  return Object.entries(options).map((entry) => optionLine(condition, entry));
}

function linesOf({ name, summary, options, operand }: CompletedCommand): string[] {
  const here = `__bindport_in ${name}`;
  return [
    `complete -c bindport -n __bindport_first -a ${name} -d ${quoted(summary)}`,
    ...optionLines(here, options),
    ...(Array.isArray(operand)
      ? [`complete -c bindport -n ${quoted(here)} -a ${quoted(operand.join(' '))}`]
      : []),
  ];
}

/** The lines of a switch that tell for each command that starts a program which options have a value. */
function programCases({ name, options, operand }: CompletedCommand): string[] {
  if (operand !== 'program') return [];
  return [
    `        case ${name}`,
    `            set -f with_value ${spelled(options, takesValue).join(' ')}`,
  ];
}

export function fishScript({ commands, options }: CompletionTable): string {
  return `# Completion of bindport in fish. As a file: bindport completion fish > ~/.config/fish/completions/bindport.fish

function __bindport_first
    test (count (commandline -opc)) -eq 1
end

# The program of a command that starts one, and its arguments, up to the cursor; fails before it.
function __bindport_program
    set -l words (commandline -opc)
    switch "$words[2]"
${commands.flatMap(programCases).join('\n')}
        case '*'
            return 1
    end
    set -e words[1..2]
    while set -q words[1]
        switch $words[1]
            case --
                string join \\n -- $words[2..]
                return 0
            case $with_value
                set -q words[2]; or return 1
                set -e words[1..2]
            case '-*'
                set -e words[1]
            case '*'
                string join \\n -- $words
                return 0
        end
    end
    not string match -q -- '-*' (commandline -ct)
end

# Behind a command, and not in the program that it starts.
function __bindport_in --argument-names command
    set -l words (commandline -opc)
    test "$words[2]" = $command; or return 1
    set -l program (__bindport_program); or return 0
    test (count $program) -eq 0
end

function __bindport_complete_program
    set -l program (__bindport_program)
    complete -C (string join ' ' -- (string escape -- $program) (commandline -ct))
end

complete -c bindport -f
complete -c bindport -n __bindport_program -a '(__bindport_complete_program)'
${optionLines('__bindport_first', options).join('\n')}
${commands.flatMap(linesOf).join('\n')}
`;
}
