import { parseArgs } from 'node:util';
import { findSockets } from '../inspection/find-sockets';
import type { SocketInfo, SocketProtocol } from '../inspection/socket-info';
import { type Command, HELP, type Options, optionsHelp, printHelp } from './command';
import { type Cell, type Column, paragraph, table } from './layout';
import { printJson, type Screen, screen } from './output';
import { addressText, groupText, holdersOf, unseenReasons } from './sockets';

/** Those that wait for somebody: no connections, no ends of pairs. */
function waits({ protocol, state, local }: SocketInfo): boolean {
  if (protocol === 'udp') return state === 'UNCONNECTED' && local.port !== 0;
  return state === 'LISTEN' || (protocol === 'tcp' && state === 'BOUND');
}

const ORDER: readonly SocketProtocol[] = ['tcp', 'udp', 'unix'];

function inOrder(a: SocketInfo, b: SocketInfo): number {
  return (
    ORDER.indexOf(a.protocol) - ORDER.indexOf(b.protocol) ||
    a.local.port - b.local.port ||
    a.local.address.localeCompare(b.local.address)
  );
}

const COLUMNS: readonly Column[] = [
  { heading: 'PROTO' },
  { heading: 'ADDRESS' },
  { heading: 'STATE' },
  { heading: 'USER' },
  { heading: 'PID', align: 'right' },
  { heading: 'PROGRAM' },
  { heading: 'COMMAND' },
];

function row(socket: SocketInfo): Cell[] {
  const { protocol, local, state, user, uid, v6only } = socket;
  const [first, ...others] = holdersOf(socket);
  const more = others.length > 0 ? ` +${others.length}` : '';
  return [
    { text: protocol },
    { text: addressText(local, v6only), style: 'cyan' },
    // A datagram socket that has a port receives: there is nothing else to tell.
    { text: state === undefined || state === 'UNCONNECTED' ? '' : state.toLowerCase() },
    { text: user ?? (uid === undefined ? '' : String(uid)) },
    { text: first === undefined ? '?' : `${first.pid}${more}` },
    { text: first?.name ?? groupText(socket) ?? '', style: 'bold' },
    { text: first?.command ?? '', style: 'dim' },
  ];
}

function print(sockets: readonly SocketInfo[], { width, paint }: Screen): void {
  if (sockets.length === 0) {
    process.stdout.write('Nobody listens here.\n');
    return;
  }
  process.stdout.write(table(COLUMNS, sockets.map(row), width, paint));
  for (const reason of unseenReasons(sockets)) {
    process.stdout.write(paragraph('? ', reason, width));
  }
}

const options = {
  tcp: {
    type: 'boolean',
    default: false,
    about: 'TCP sockets; they and UDP sockets are the default',
  },
  udp: { type: 'boolean', default: false, about: 'UDP sockets' },
  unix: { type: 'boolean', default: false, about: 'Unix domain sockets' },
  json: {
    type: 'boolean',
    default: false,
    about: 'print an array of sockets, as findSockets gives them',
  },
  help: HELP,
} as const satisfies Options;

export const list: Command = {
  options,
  help: () => `Usage: bindport list [--tcp] [--udp] [--unix] [--json]

Prints the sockets of this machine (on Linux: of this network namespace) that wait for somebody: TCP
sockets that listen, or are bound and may yet listen (as a reservation is); UDP sockets that have a port;
with --unix, Unix domain sockets that listen. A '*' in place of the address is every address, of IPv4 and
of IPv6; '+3' after a process is three more that have the same socket. Commands are cut at the terminal's
width; 'bindport inspect' and --json have them whole.

${optionsHelp(options)}
Exit status: 0, also if there are none.
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options,
    });
    if (values.help) return printHelp(list);
    const chosen = ORDER.filter((name) => values[name]);
    const protocol: SocketProtocol[] = chosen.length > 0 ? chosen : ['tcp', 'udp'];
    const sockets = (await findSockets({ protocol })).filter(waits).sort(inOrder);
    if (values.json) printJson(sockets);
    else print(sockets, screen());
    return 0;
  },
};
