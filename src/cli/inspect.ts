import { parseArgs } from 'node:util';
import { visible } from '../base/visible';
import { findSockets } from '../inspection/find-sockets';
import { inspectSocket } from '../inspection/inspect-socket';
import type { SocketInfo } from '../inspection/socket-info';
import type { SocketReport } from '../inspection/socket-report';
import { kindNames } from '../socket/kind-names';
import {
  type Command,
  HELP,
  type Options,
  onlyOperand,
  optionsHelp,
  printHelp,
  UsageError,
  wholeNumber,
} from './command';
import { type Cell, pairs, paragraph, table } from './layout';
import { printJson, type Screen, screen } from './output';
import { addressText, holdersOf } from './sockets';

/** A descriptor of a process, and the socket that it is thought to be. */
interface Place {
  pid: number;
  fd: number;
  socket?: SocketInfo;
}

/** What was found at a place: the report, or why there is none. */
type Found = Place & ({ report: SocketReport } | { error: Error });

const MAX_PORT = 65535;
const MAX_PID = 0x7fffffff;

/** Each socket once, by the first process that has it. */
function placesOf(sockets: readonly SocketInfo[]): Place[] {
  return sockets.flatMap((socket) => {
    const [holder] = holdersOf(socket);
    return holder?.fd === undefined
      ? []
      : [{ pid: holder.tid ?? holder.pid, fd: holder.fd, socket }];
  });
}

/** A number is a port where a socket has it, else a process. */
async function find(target: string): Promise<Place[]> {
  const [first = '', second, ...others] = target.split(':');
  if (others.length > 0) {
    throw new UsageError(`PORT, PID or PID:FD, not '${target}'`);
  }
  if (second !== undefined) {
    return [
      { pid: wholeNumber('PID', first, 0, MAX_PID), fd: wholeNumber('FD', second, 0, MAX_PID) },
    ];
  }
  const number = wholeNumber('PORT or PID', first, 0, MAX_PID);
  if (number === 0) throw new UsageError('0 is neither a port nor a process');
  const sockets = number <= MAX_PORT ? await findSockets({ port: number }) : [];
  if (sockets.length === 0) return placesOf(await findSockets({ pid: number }));
  const places = placesOf(sockets);
  if (places.length > 0) return places;
  throw new Error(
    `port ${number} is in use, but no process is seen that has it: bindport why ${number} tells more`,
  );
}

function inspectAt(place: Place): Found {
  const { pid, fd, socket } = place;
  try {
    const cookie = socket?.cookie;
    const report = inspectSocket({ pid, fd, ...(cookie !== undefined && { cookie }) });
    return { ...place, report };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ...place, error };
  }
}

/** Structures as `name=value` and arrays by spaces, so that their lines break between values; bytes in hexadecimal. */
function valueText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value ?? '');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(valueText).join(' ');
  return Object.entries(value)
    .map(([name, one]) => `${name}=${valueText(one)}`)
    .join(' ');
}

function titleOf({ pid, fd, socket }: Found): string {
  const command = socket === undefined ? undefined : holdersOf(socket)[0]?.command;
  return `Descriptor ${fd} of process ${pid}${command === undefined ? '' : `: ${command}`}`;
}

const INDENT = '  ';

function factsOf({ report }: { report: SocketReport }): string[] {
  const { family, type, protocol } = kindNames(report);
  const { local, remote, state, queue, backlog, unread, unsent, options } = report;
  return [
    `${family}, ${type}${protocol === '0' ? '' : `, ${protocol}`}`,
    state.toLowerCase(),
    ...(local ? [addressText(local, options.IPV6_V6ONLY)] : []),
    ...(remote ? [`connected to ${addressText(remote)}`] : []),
    ...(queue === undefined ? [] : [`${queue} of ${backlog} wait to be accepted`]),
    ...(unread ? [`${unread} bytes not read`] : []),
    ...(unsent ? [`${unsent} bytes not acknowledged`] : []),
  ];
}

const CHANGED_COLUMNS = [
  { heading: 'CHANGED' },
  { heading: 'VALUE' },
  { heading: 'OF A NEW SOCKET' },
] as const;

function changedText({ options, changed, defaults }: SocketReport, { paint }: Screen): string {
  if (changed === undefined) return 'No such socket can be made to compare with.\n';
  if (changed.length === 0) return 'Every option is as in a new socket.\n';
  const rows = changed.map((name): Cell[] => [
    { text: name, style: 'yellow' },
    { text: valueText(options[name]) },
    { text: valueText(defaults?.[name]), style: 'dim' },
  ]);
  return table(CHANGED_COLUMNS, rows, Number.POSITIVE_INFINITY, paint);
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, INDENT);
}

/** `all`: those options, too, that nobody has changed. */
function print(found: Found, all: boolean, shown: Screen): string {
  const { width, paint } = shown;
  const room = width - INDENT.length;
  const title = paint('bold', paragraph('', visible(titleOf(found)), width).trimEnd());
  if ('error' in found) return `${title}\n${indented(paragraph('? ', found.error.message, room))}`;
  const { report } = found;
  const changed = new Set<string>(report.changed);
  const others = Object.entries(report.options).filter(([name]) => !changed.has(name));
  const facts = paragraph('', visible(factsOf(found).join('; ')), room);
  const rest = all
    ? pairs(
        others.map(([name, value]): [string, string] => [name, valueText(value)]),
        room,
      )
    : `${others.length} more: bindport inspect ${found.pid}:${found.fd}\n`;
  return `${title}\n${indented(`${facts}\n${changedText(report, shown)}\n${rest}`)}`;
}

const options = {
  json: {
    type: 'boolean',
    default: false,
    about:
      "print an array of reports, as inspectSocket gives them; 'error' in place of one that could not be read",
  },
  help: HELP,
} as const satisfies Options;

export const inspect: Command = {
  options,
  help: () => `Usage: bindport inspect PORT|PID|PID:FD [--json]

Prints what the sockets are that have a port, that a process has, or one descriptor, and their options: first
those that differ from a new socket of the same kind, then, of a single socket, all others. A number of a port
that is in use is taken for that port, any other for a process. Nothing is changed by reading
(docs/inspecting.md). Needs root, or the same user and a process that may be traced. Linux; on macOS few
options are shown, on Windows and FreeBSD none of other processes.

${optionsHelp(options)}
Exit status: 0, 1 when there is no such socket or one could not be read, 2 bad use.
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options,
    });
    if (values.help) return printHelp(inspect);
    const target = onlyOperand(positionals, 'which port, process or descriptor?', 'one target');
    const found = (await find(target)).map(inspectAt);
    if (values.json) {
      printJson(
        found.map((one) =>
          'error' in one ? { pid: one.pid, fd: one.fd, error: one.error.message } : one.report,
        ),
      );
    } else if (found.length === 0) {
      process.stderr.write(`bindport inspect: process ${target} has no sockets\n`);
    } else {
      process.stdout.write(found.map((one) => print(one, found.length === 1, screen())).join('\n'));
    }
    return found.length === 0 || found.some((one) => 'error' in one) ? 1 : 0;
  },
};
