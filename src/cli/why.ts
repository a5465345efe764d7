import { parseArgs } from 'node:util';
import { explainPort } from '../inspection/explain/explain-port';
import type { BindAttempt, PortHolder, PortReport } from '../inspection/explain/report';
import {
  type Command,
  HELP,
  HOSTS,
  hostsIn,
  type Options,
  onlyOperand,
  optionsHelp,
  printHelp,
  wholeNumber,
} from './command';
import { type Cell, type Column, paragraph, table } from './layout';
import { printJson, type Screen, screen } from './output';
import { addressText, holdersOf, unseenReasons } from './sockets';

const INDENT = '  ';

const HOLDER_COLUMNS: readonly Column[] = [
  { heading: 'ADDRESS' },
  { heading: 'STATE' },
  { heading: 'USER' },
  { heading: 'PID', align: 'right' },
  { heading: 'OPTIONS' },
  { heading: 'COMMAND' },
];

/** The options that are on; `?` where they could not be read. */
function optionsText({ options, processes }: PortHolder): string {
  if (options === undefined) return processes.length > 0 ? '?' : '';
  const on = Object.entries(options).filter(([, value]) => value);
  return on.length > 0 ? on.map(([name]) => name).join(' ') : 'none';
}

function holderRow(holder: PortHolder): Cell[] {
  const [first, ...others] = holdersOf(holder);
  const more = others.length > 0 ? ` +${others.length}` : '';
  return [
    { text: addressText(holder.local, holder.v6only), style: 'cyan' },
    { text: holder.state?.toLowerCase() ?? '' },
    { text: holder.user ?? String(holder.uid ?? '') },
    { text: first === undefined ? '?' : `${first.pid}${more}`, style: 'bold' },
    { text: optionsText(holder) },
    { text: first?.command ?? first?.name ?? '', style: 'dim' },
  ];
}

function conditions({ options, device }: BindAttempt): string {
  const names = options.map((name) => (name === 'SO_BINDTODEVICE' ? `${name} ${device}` : name));
  return names.length > 0 ? names.join(', ') : 'no option';
}

/** One line for all binds that had the same options: the addresses by what they got. */
function bindRows(binds: readonly BindAttempt[]): Cell[][] {
  const byOptions = new Map<string, Map<string, string[]>>();
  for (const bind of binds) {
    const key = conditions(bind);
    const results = byOptions.get(key) ?? new Map<string, string[]>();
    results.set(bind.result, [...(results.get(bind.result) ?? []), bind.host]);
    byOptions.set(key, results);
  }
  return [...byOptions].flatMap(([options, results]) =>
    [...results].map(([result, hosts], i): Cell[] => [
      { text: i === 0 ? options : '' },
      result === 'Success' ? { text: 'allowed', style: 'green' } : { text: result, style: 'red' },
      { text: hosts.join(' ') },
    ]),
  );
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, INDENT);
}

function headline({ port, protocol, host, free }: PortReport): string {
  const where = host === undefined ? '' : ` on ${host}`;
  return `Port ${port} is ${free ? 'free' : 'not free'} for ${protocol.toUpperCase()}${where}.`;
}

function print(report: PortReport, { width, paint }: Screen): void {
  const room = width - INDENT.length;
  const part = (title: string, text: string) =>
    text === '' ? [] : [`${paint('bold', title)}\n${indented(text)}`];
  const longest = Math.max(...report.causes.map(({ cause }) => cause.length));
  const causes = report.causes
    .filter(({ cause }) => cause !== 'free')
    .map(({ cause, message }) => paragraph(`${cause.padEnd(longest)}  `, message, room))
    .join('');
  const holders =
    report.holders.length === 0
      ? ''
      : table(HOLDER_COLUMNS, report.holders.map(holderRow), room, paint) +
        unseenReasons(report.holders)
          .map((reason) => paragraph('? ', reason, room))
          .join('');
  const columns: Column[] = [
    { heading: 'WITH' },
    { heading: 'RESULT' },
    { heading: 'ADDRESSES', wraps: true },
  ];
  const advice = report.advice.map((text, i) => paragraph(`${i + 1}. `, text, room)).join('');
  const parts = [
    `${paint(report.free ? 'green' : 'red', headline(report))}\n`,
    ...part('Why', causes),
    ...part('Who has it', holders),
    ...part('What a bind gets now', table(columns, bindRows(report.binds), room, paint)),
    ...part('What to do', advice),
  ];
  process.stdout.write(parts.join('\n'));
}

const options = {
  host: {
    type: 'string',
    value: 'H',
    offers: HOSTS,
    about:
      "the address to bind: numeric, or 'localhost' (both loopback addresses); without it, every address",
  },
  udp: { type: 'boolean', default: false, about: 'a UDP port' },
  json: { type: 'boolean', default: false, about: 'print the report, as explainPort gives it' },
  help: HELP,
} as const satisfies Options;

export const why: Command = {
  options,
  help: () => `Usage: bindport why PORT [--host H] [--udp] [--json]

Tells whether a port is free, who has it and with which options, what binds to it get (each is tried, and
at once given up), why, and what to do, in the order to try it. Disturbs nobody who has the port: no
connection is taken, and nobody is let in. Port 0 asks whether the system has ports left to choose from.

${optionsHelp(options)}
Exit status: 0 free, 1 not free, 2 bad use.
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options,
    });
    if (values.help) return printHelp(why);
    const port = onlyOperand(positionals, 'which port?', 'one port');
    const { host: [host] = [] } = hostsIn(values.host === undefined ? [] : [values.host]);
    const report = await explainPort(wholeNumber('PORT', port, 0, 65535), {
      protocol: values.udp ? 'udp' : 'tcp',
      ...(host !== undefined && { host }),
    });
    if (values.json) printJson(report);
    else print(report, screen());
    return report.free ? 0 : 1;
  },
};
