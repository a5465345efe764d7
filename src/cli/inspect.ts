import { parseArgs, inspect as show } from 'node:util';
import { findSockets } from '../inspection/find-sockets';
import { inspectSocket } from '../inspection/inspect-socket';
import type { SocketInfo } from '../inspection/socket-info';
import type { SocketReport } from '../inspection/socket-report';
import { kindNames } from '../socket/kind-names';
import { type Command, printHelp, UsageError } from './command';
import { type Cell, paragraph, table } from './layout';
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

function numberIn(text: string, what: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new UsageError(`${what} must be a whole number of 0 to ${max}, not '${text}'`);
}

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
    return [{ pid: numberIn(first, 'PID', MAX_PID), fd: numberIn(second, 'FD', MAX_PID) }];
  }
  const number = numberIn(first, 'PORT or PID', MAX_PID);
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

function valueText(value: unknown): string {
  return typeof value === 'string'
    ? value
    : show(value, { breakLength: Number.POSITIVE_INFINITY, compact: true, depth: 4 });
}

function titleOf({ pid, fd, socket }: Found): string {
  const command = socket === undefined ? undefined : holdersOf(socket)[0]?.command;
  return `Descriptor ${fd} of process ${pid}${command === undefined ? '' : `: ${command}`}`;
}

function print(found: Found, { width, paint }: Screen): string {
  const title = paint('bold', paragraph('', titleOf(found), width).trimEnd());
  if ('error' in found) return `${title}\n${paragraph('? ', found.error.message, width)}`;
  const { report } = found;
  const { family, type, protocol } = kindNames(report);
  const changed = new Set<string>(report.changed);
  const facts: [string, unknown][] = [
    ['kind', `${family}, ${type}, ${protocol}`],
    ['state', report.state.toLowerCase()],
    ['local', report.local && addressText(report.local)],
    ['remote', report.remote && addressText(report.remote)],
    ['queue', report.queue !== undefined ? `${report.queue} of ${report.backlog}` : undefined],
    ['unread', report.unread],
    ['unsent', report.unsent],
  ];
  const factRows = facts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): Cell[] => [{ text: name, style: 'dim' }, { text: String(value) }]);
  const optionRows = Object.entries(report.options).map(([name, value]): Cell[] => [
    { text: changed.has(name) ? '*' : ' ' },
    { text: name, ...(changed.has(name) && { style: 'yellow' as const }) },
    { text: valueText(value) },
  ]);
  const wide = Number.POSITIVE_INFINITY;
  return `${title}\n${table([{ heading: '' }, { heading: '' }], factRows, wide, paint).replace(/^.*\n/, '')}${table(
    [{ heading: '*' }, { heading: 'OPTION' }, { heading: 'VALUE' }],
    optionRows,
    wide,
    paint,
  )}`;
}

export const inspect: Command = {
  help: `Usage: bindport inspect PORT|PID|PID:FD [--json]

Prints every option of the sockets that have a port, that a process has, or of one descriptor, decoded;
options with a * differ from those of a new socket of the same kind. A number of a port that is in use is
taken for that port, any other for a process. Nothing is changed by reading (docs/inspecting.md). Needs root,
or the same user and a process that may be traced. Linux; on macOS few options are shown, on Windows and
FreeBSD none of other processes.

      --json      print an array of reports, as inspectSocket gives them; 'error' in place of one that
                  could not be read
  -h, --help      print this

Exit status: 0, 1 when there is no such socket or one could not be read, 2 bad use.
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    if (values.help) return printHelp(inspect);
    const [target, ...others] = positionals;
    if (target === undefined) throw new UsageError('which port, process or descriptor?');
    if (others.length > 0) throw new UsageError(`one target, not '${positionals.join(' ')}'`);
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
      process.stdout.write(found.map((one) => print(one, screen())).join('\n'));
    }
    return found.length === 0 || found.some((one) => 'error' in one) ? 1 : 0;
  },
};
