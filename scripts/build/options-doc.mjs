// Writes docs/options.md from the option table: node scripts/build/options-doc.mjs
// With --check it writes nothing, and ends with 1 when the document is not the table's.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from '../project.mjs';
import { loadSource } from './source.mjs';

const { optionTable } = loadSource('base/option-table/index');
const { leftOut } = loadSource('base/option-table/left-out');

const document = join(root, 'docs/options.md');

/** The constant that is the level, and what the level is of. */
const levels = {
  SOL_SOCKET: 'every socket',
  IPPROTO_TCP: 'TCP',
  IPPROTO_UDP: 'UDP',
  IPPROTO_IP: 'IPv4',
  IPPROTO_IPV6: 'IPv6',
  SOL_RAW: 'raw IPv4 sockets',
  IPPROTO_ICMPV6: 'raw ICMPv6 sockets',
  SOL_LOCAL: 'Unix domain sockets of macOS and FreeBSD',
  IPPROTO_SCTP: 'SCTP',
  SOL_MPTCP: 'Multipath TCP',
  SOL_TLS: 'TLS in the kernel',
  AF_VSOCK: 'sockets between virtual machines',
  SOL_NETLINK: 'netlink',
  SOL_PACKET: 'packet sockets',
};

/** What each kind is in JavaScript, and in C. */
const kinds = {
  boolean: ['`boolean`', 'an int; BSD systems return the flag’s bit'],
  integer: ['`number`', 'an int'],
  unsigned: ['`number`', '32 bits without a sign'],
  unsigned16: ['`number`', '16 bits without a sign'],
  bigint: ['`bigint`', '64 bits without a sign'],
  seconds: ['`number`', 'an int of seconds'],
  'whole-milliseconds': ['`number`', 'an int of milliseconds'],
  microseconds: ['`number`', 'an int of microseconds'],
  milliseconds: ['`number`', 'a struct timeval; Windows: a DWORD of milliseconds'],
  milliseconds64: ['`number`', 'a struct timeval of 64-bit numbers'],
  enumeration: ['a C name as `string`, or a `number` without one', 'an int'],
  interface: ['`number`, an interface’s index', 'an int in network byte order'],
  'port-range': ['`{ low, high }`', 'two port numbers in an int'],
  linger: ['`{ enabled, seconds }`', 'a struct linger'],
  text: ['`string`', 'a name'],
  uuid: ['`string`', '16 bytes'],
  credentials: ['`{ pid, uid, gid }`', 'a struct ucred'],
  'peer-credentials': ['`{ uid, groups, pid }`', 'a struct xucred'],
  integers: ['`number[]`', '32-bit numbers without a sign'],
  ipv4: ['`string`, as `127.0.0.1`', 'a struct in_addr'],
  address: ['`{ address, family, port }`', 'a struct sockaddr'],
  'peer-name': ['`{ address, family, port }`', 'a struct sockaddr of exactly its length'],
  membership: ['`{ address, interface }`', 'a struct ip_mreq or ip_mreqn'],
  'source-membership': ['`{ address, source, interface }`', 'a struct ip_mreq_source'],
  membership6: ['`{ address, interface }`', 'a struct ipv6_mreq'],
  group: ['`{ address, interface }`', 'a struct group_req, of IPv4 and IPv6'],
  'group-source': ['`{ address, source, interface }`', 'a struct group_source_req'],
  'packet-info': ['`{ address, interface }`', 'a struct in6_pktinfo'],
  structure: ['an object with the fields below', 'the structure; those fields that the kernel has'],
  bytes: ['`Uint8Array`', 'as the kernel has them'],
};

const platforms = ['Linux', 'macOS', 'FreeBSD', 'Windows'];

/**
 * How many options others have by name. socket2 0.6.4: the constants that its source names, on all platforms.
 * CPython 3.11: the names of its socket module on Linux that stand in the table.
 */
const others = {
  SOL_SOCKET: [31, 27],
  IPPROTO_TCP: [12, 16],
  IPPROTO_UDP: [0, 2],
  IPPROTO_IP: [17, 15],
  IPPROTO_IPV6: [16, 25],
  AF_VSOCK: [0, 3],
};

const options = Object.entries(optionTable);
const of = (level) => options.filter(([, row]) => row.level === level);

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('*', '\\*');
const line = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');

function notes({ notes, notInspected, names }) {
  return [
    notes,
    names && `values: ${names.join(', ')}`,
    notInspected && `**not inspected:** ${notInspected}`,
  ]
    .filter(Boolean)
    .map((note) => (note.startsWith('**') ? note : cell(note)))
    .join('; ');
}

function section(level) {
  const rows = of(level).map(([name, row]) => [
    `\`${name}\``,
    row.kind,
    row.access,
    row.where,
    notes(row),
  ]);
  const heading = `## ${level}: ${levels[level]}`;
  return `${heading}\n\n${table(['option', 'kind', 'access', 'where', 'notes'], rows)}`;
}

const isOn = (row, platform) => row.where === 'everywhere' || row.where.includes(platform);

function counts() {
  const names = Object.keys(levels);
  const rows = names.map((level) => {
    const rowsOf = of(level).map(([, row]) => row);
    const [socket2, cpython] = others[level] ?? [0, 0];
    const each = platforms.map((one) => rowsOf.filter((row) => isOn(row, one)).length);
    return [level, rowsOf.length, ...each, socket2, cpython];
  });
  const total = rows[0].map((_, i) => rows.reduce((sum, row) => sum + (row[i] || 0), 0));
  return table(
    ['level', 'here', ...platforms, 'socket2 0.6.4', 'CPython 3.11, Linux'],
    [...rows, ['all', ...total.slice(1)]].map((row) => row.map(String)),
  );
}

/** A structure's fields, without padding; those of a list in brackets. */
function fieldNames(fields) {
  return Object.entries(fields)
    .filter(([name]) => !name.startsWith('_'))
    .map(([name, field]) => {
      const each = field?.each;
      return typeof each === 'object' ? `${name}: [${fieldNames(each)}]` : name;
    })
    .join(', ');
}

function structures() {
  return options
    .filter(([, { fields }]) => fields)
    .flatMap(([name, { fields, fieldsOn }]) => [
      `- \`${name}\`: ${fieldNames(fields)}`,
      ...Object.entries(fieldsOn).map(([abi, own]) => `  - ${abi}: ${fieldNames(own)}`),
    ])
    .map((text) =>
      text.replaceAll('_', '\\_').replace(/`[^`]+`/g, (code) => code.replaceAll('\\', '')),
    )
    .join('\n');
}

const unknownLevel = options.find(([, { level }]) => !(level in levels));
if (unknownLevel) fail(`no words for the level of ${unknownLevel[0]}`);
const unknownKind = options.find(([, { kind }]) => !(kind in kinds));
if (unknownKind) fail(`no words for the kind of ${unknownKind[0]}`);

const text = `# Socket options

<!-- Written by \`npm run build:docs\` from src/base/option-table: change the rows there. -->

Each can be read with \`getOption(target, name)\` and set with \`setOption(target, name, value)\`, as its
access says: \`r\`, \`w\` or \`rw\`. \`socketOptions\` has those of the platform at hand; one of another
platform throws ENOPROTOOPT. \`inspectSocket\` reads all that this platform has but those marked as not
inspected; by name they can be read too.

${counts()}

## Kinds

${table(
  ['kind', 'in JavaScript', 'in C'],
  Object.entries(kinds).map(([kind, [js, c]]) => [kind, js, c]),
)}

Times are numbers in the unit of their kind. An interface is told by its index or its name, of IPv4 also by
one of its addresses. Of a structure that is set, fields that are not given are 0; a name of C is a number's
name where the table knows one.

${Object.keys(levels).map(section).join('\n\n')}

## Structures

Fields have C's names without their prefix; 64-bit numbers are bigints.

${structures()}

## Left out

${table(
  ['option', 'level', 'why'],
  Object.entries(leftOut).map(([name, { level, why }]) => [`\`${name}\``, level, cell(why)]),
)}
`;

if (!process.argv.includes('--check')) writeFileSync(document, text);
else if (readFileSync(document, 'utf8') !== text) {
  fail('docs/options.md is not what the option table says: npm run build:docs');
}
