import { parseArgs } from 'node:util';
import { EADDRNOTAVAIL, EAFNOSUPPORT, isSystemError } from '../base/errors';
import {
  type BindConflictsOptions,
  bindConflicts,
  type ConflictAddress,
  type ConflictOption,
  type ConflictTable,
} from '../ports/bind-conflicts';
import { type Command, HELP, type Options, optionsHelp, printHelp } from './command';
import { type Cell, type Column, paragraph, table } from './layout';
import { printJson, type Screen, screen } from './output';

/** What bindConflicts was asked for, and its answer. */
interface Measured {
  readonly options: BindConflictsOptions;
  readonly table: ConflictTable;
}

const PROTOCOLS: readonly BindConflictsOptions[] = [
  { protocol: 'tcp', listening: false },
  { protocol: 'tcp', listening: true },
  { protocol: 'udp', listening: false },
];

const FAMILIES: readonly BindConflictsOptions[] = [
  { ipVersion: 4, secondIpVersion: 4 },
  { ipVersion: 6, secondIpVersion: 6, ipv6Only: true },
  { ipVersion: 6, secondIpVersion: 6, ipv6Only: false },
  { ipVersion: 6, secondIpVersion: 4, ipv6Only: true },
  { ipVersion: 6, secondIpVersion: 4, ipv6Only: false },
  { ipVersion: 4, secondIpVersion: 6, ipv6Only: true },
  { ipVersion: 4, secondIpVersion: 6, ipv6Only: false },
];

async function measureAll(): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const families of FAMILIES) {
    for (const protocol of PROTOCOLS) {
      const options = { ...protocol, ...families };
      try {
        all.push({ options, table: await bindConflicts(options) });
      } catch (error) {
        // A machine without IPv6 has tables of IPv4 alone.
        const ipv4 = options.ipVersion === 4 && options.secondIpVersion === 4;
        if (ipv4 || !isSystemError(error, EADDRNOTAVAIL, EAFNOSUPPORT)) throw error;
      }
    }
  }
  return all;
}

/** Those that have the same answers, in the order of the first of each. */
function grouped(all: readonly Measured[]): Measured[][] {
  const groups = new Map<string, Measured[]>();
  for (const one of all) {
    const key = JSON.stringify(one.table);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups.values()];
}

function protocolText({ protocol, listening }: BindConflictsOptions): string {
  if (protocol === 'udp') return 'UDP';
  return listening ? 'TCP listening' : 'TCP bound';
}

function familyText({ ipVersion, secondIpVersion, ipv6Only }: BindConflictsOptions): string {
  const name = (version: number | undefined) =>
    version === 4 ? 'IPv4' : `IPv6 ${ipv6Only ? 'with' : 'without'} V6ONLY`;
  if (ipVersion === secondIpVersion) return name(ipVersion);
  return `${name(ipVersion)}, then ${name(secondIpVersion)}`;
}

/** `TCP bound, UDP: IPv4; IPv6 with V6ONLY.`: the families that have the same protocols in one clause. */
function titleOf(group: readonly Measured[]): string {
  const protocols = new Map<string, string[]>();
  for (const { options } of group) {
    const family = familyText(options);
    protocols.set(family, [...(protocols.get(family) ?? []), protocolText(options)]);
  }
  const families = new Map<string, string[]>();
  for (const [family, names] of protocols) {
    const key = names.join(', ');
    families.set(key, [...(families.get(key) ?? []), family]);
  }
  return [...families].map(([names, list]) => `${names}: ${list.join('; ')}.`).join(' ');
}

function bindText(option: string, address: ConflictAddress): string {
  if (address === 'specific') return 'lo';
  return `${option === 'default' ? 'none' : option}*`;
}

/** Short, so that Windows' three options fit 80 columns. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', '-'],
  ['EACCES', '!'],
]);

function answer(code = ''): Cell {
  if (code === 'Success') return { text: 'yes', style: 'green' };
  return { text: REFUSALS.get(code) ?? code, style: 'dim' };
}

/** Rows and columns of a table, in its own order. */
function bindsOf(conflicts: ConflictTable): [ConflictOption, ConflictAddress][] {
  const isOption = (key: string): key is ConflictOption => key in conflicts;
  return Object.keys(conflicts)
    .filter(isOption)
    .flatMap((option) =>
      (['wildcard', 'specific'] as const).map((address): [ConflictOption, ConflictAddress] => [
        option,
        address,
      ]),
    );
}

function tableOf(conflicts: ConflictTable, { width, paint }: Screen): string {
  const binds = bindsOf(conflicts);
  const columns: Column[] = [
    { heading: 'first \\ second' },
    ...binds.map(([option, address]) => ({ heading: bindText(option, address) })),
  ];
  const rows = binds.map(([option, address]): Cell[] => [
    { text: bindText(option, address) },
    ...binds.map(([second, secondAddress]) =>
      answer(conflicts[option]?.[address][second]?.[secondAddress]),
    ),
  ]);
  return table(columns, rows, width, paint);
}

function sameAnswer(conflicts: ConflictTable): boolean {
  const binds = bindsOf(conflicts);
  return binds.every(([option, address]) =>
    binds.every(([second, other]) => conflicts[option]?.[address][second]?.[other] === 'Success'),
  );
}

function print(groups: readonly Measured[][], shown: Screen): void {
  const { width, paint } = shown;
  const parts = [
    paragraph(
      '',
      'What a second bind to a port gets on this machine, measured. Rows are the first socket, columns the second, each with its option, on every address (*) or on the loopback address (lo). "yes" is allowed, "-" is EADDRINUSE, "!" EACCES. "TCP listening": the first socket listens.',
      width,
    ),
  ];
  for (const group of groups) {
    const [first] = group;
    if (first === undefined) continue;
    const conflicts = first.table;
    const title = paragraph('', titleOf(group), width)
      .split('\n')
      .map((line) => paint('bold', line))
      .join('\n');
    parts.push(
      `${title}${sameAnswer(conflicts) ? 'Every second bind is allowed.\n' : tableOf(conflicts, shown)}`,
    );
  }
  process.stdout.write(parts.join('\n'));
}

const options = {
  json: {
    type: 'boolean',
    default: false,
    about: 'print an array: for each measurement its options and its whole table',
  },
  help: HELP,
} as const satisfies Options;

export const matrix: Command = {
  options,
  help: () => `Usage: bindport matrix [--json]

Binds two sockets to one port, with each pair of options (none, SO_REUSEADDR, SO_REUSEPORT or
SO_EXCLUSIVEADDRUSE, whichever there are) and of addresses, and prints which second binds are allowed:
for TCP, bound and listening, and UDP; for IPv4, and IPv6 with and without IPV6_V6ONLY. Pairs with the
same answers have one table.

Only ports that nobody uses are taken, and every socket is closed again.

${optionsHelp(options)}
Exit status: 0.
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options,
    });
    if (values.help) return printHelp(matrix);
    const all = await measureAll();
    if (values.json) printJson(all);
    else print(grouped(all), screen());
    return 0;
  },
};
