import {
  canonicalAddress,
  HOST,
  HOSTv6,
  ipVersion,
  WILDCARD,
  WILDCARDv6,
} from '../../base/addresses';
import { constants } from '../../base/constants';
import { invalidArgValue } from '../../base/errors';
import { reuseAddrIsForTimeWait } from '../../base/platform';
import { port as checkPort, object, text } from '../../base/validate';
import { isRefused, type PortFacts, relationOf } from './facts';
import { areAlone, findAll, findListeners, type HolderFacts } from './holders';
import { type BindRequest, reachesLoopback, succeeded, tryBind } from './probes';
import { findRedirects } from './redirects';
import type { BindAttempt, BindOption, ExplainPortOptions, PortReport } from './report';
import { adviceOf, causesOf, isFree } from './rules';
import { MachineFacts, type SystemFacts } from './system-facts';

/** How often all is looked at again because a socket came or went in between. */
const ATTEMPTS = 3;

interface Question {
  port: number;
  protocol: 'tcp' | 'udp';
  host: string | undefined;
}

function questionOf(port: number, options: ExplainPortOptions): Question {
  checkPort('port', port);
  const { host = '', protocol = 'tcp' } = object('options', options);
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw invalidArgValue('options.protocol', "must be 'tcp' or 'udp'", protocol);
  }
  if (text('options.host', host) !== '' && host !== 'localhost' && ipVersion(host) === 0) {
    throw invalidArgValue('options.host', "must be a numeric address, 'localhost' or ''", host);
  }
  return { port, protocol, host: host === '' ? undefined : host };
}

/** The addresses that the question is about; undefined: every address. */
function addressesOf(host: string | undefined, system: SystemFacts): string[] | undefined {
  if (host === undefined) return undefined;
  if (host !== 'localhost') return [canonicalAddress(host)];
  // A machine without IPv6 has one loopback address.
  return system.addresses.some(({ address }) => address === HOSTv6) ? [HOST, HOSTv6] : [HOST];
}

/** Binds without options that share: at `addresses`, or at those that stand for all. */
function plainRequests(addresses: readonly string[] | undefined): BindRequest[] {
  const hosts = addresses ?? [WILDCARDv6, WILDCARD, HOSTv6, HOST];
  const requests: BindRequest[] = hosts.map((host) => ({ host, options: [] }));
  if (hosts.includes(WILDCARDv6)) {
    requests.splice(hosts.indexOf(WILDCARDv6) + 1, 0, {
      host: WILDCARDv6,
      options: ['IPV6_V6ONLY'],
    });
  }
  return requests;
}

function adding(requests: readonly BindRequest[], ...options: BindOption[]): BindRequest[] {
  return requests.map((request) => ({ ...request, options: [...options, ...request.options] }));
}

/** Other interfaces, where a socket has the port on one alone. */
function deviceRequests(holders: readonly HolderFacts[], system: SystemFacts): BindRequest[] {
  const devices = new Set(holders.flatMap(({ socket }) => socket.device ?? []));
  if (devices.size === 0 || constants.SO_BINDTODEVICE === undefined) return [];
  const others = new Set(system.addresses.map(({ name }) => name).filter((n) => !devices.has(n)));
  return [...others].map((device) => ({
    host: WILDCARD,
    options: ['SO_BINDTODEVICE'],
    device,
  }));
}

/** Where SO_REUSEPORT can be tried: exactly where it is on already, and only if nobody has it off. */
function reusePortRequests(port: number, holders: readonly HolderFacts[]): BindRequest[] {
  const sharing =
    holders.length > 0 &&
    holders.every(({ socket }) => socket.options?.SO_REUSEPORT === true) &&
    areAlone(port, holders);
  if (!sharing || constants.SO_REUSEPORT === undefined) return [];
  const requests = holders.map(({ socket: { local, v6only } }): BindRequest => {
    const only = local.address === WILDCARDv6 && v6only === true;
    return {
      host: local.address,
      options: only ? ['SO_REUSEPORT', 'IPV6_V6ONLY'] : ['SO_REUSEPORT'],
    };
  });
  return requests.filter(
    ({ host }, i) => requests.findIndex((request) => request.host === host) === i,
  );
}

/** Whether a UDP socket that shares the port could take datagrams from somebody. */
function wouldTakeDatagrams(protocol: 'tcp' | 'udp', holders: readonly HolderFacts[]): boolean {
  return (
    protocol === 'udp' &&
    holders.some(({ socket: { options } }) => options === undefined || options.SO_REUSEADDR)
  );
}

/** Binds that share with nobody, or with sockets that do not listen. */
function plainBinds(
  addresses: readonly string[] | undefined,
  holders: readonly HolderFacts[],
  { port, protocol }: Question,
): BindRequest[] {
  const plain = plainRequests(addresses);
  const requests = [...plain];
  if (constants.SO_EXCLUSIVEADDRUSE !== undefined) {
    requests.push(...adding(plain, 'SO_EXCLUSIVEADDRUSE'));
  }
  // On Windows SO_REUSEADDR lets a bind in beside anybody.
  if (port !== 0 && reuseAddrIsForTimeWait && !wouldTakeDatagrams(protocol, holders)) {
    requests.push(...adding(plain, 'SO_REUSEADDR'));
  }
  return requests;
}

/** The addresses at which a bind decides. A machine without IPv6 has 0.0.0.0 for all of them. */
function decisive(addresses: readonly string[] | undefined, binds: readonly BindAttempt[]) {
  if (addresses !== undefined) return addresses;
  const first = binds.find(({ host }) => host === WILDCARDv6);
  const absent = first?.result === 'EAFNOSUPPORT' || first?.result === 'EADDRNOTAVAIL';
  return [first === undefined || absent ? WILDCARD : WILDCARDv6];
}

/** Errors of a bind that other sockets or the address explain. */
const EXPLAINED = new Set([
  'Success',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EINVAL',
  'ENODEV',
]);

/** Whether some address that was asked for is refused because of sockets that were not looked for yet. */
function hasOtherHolders(facts: PortFacts): boolean {
  return (
    facts.protocol === 'tcp' &&
    isRefused(facts) &&
    facts.holders.every(({ socket }) => relationOf(socket, facts) === 'apart')
  );
}

function observe(question: Question, system: SystemFacts): PortFacts {
  const { port, protocol, host } = question;
  const addresses = addressesOf(host, system);
  const attempt = (request: BindRequest) => tryBind(request, protocol, port);
  const listeners = port === 0 ? [] : findListeners(port, protocol);
  const binds = plainBinds(addresses, listeners, question).map(attempt);
  const facts: PortFacts = {
    ...question,
    asked: decisive(addresses, binds),
    holders: listeners,
    binds,
    loopback: reachesLoopback(),
    answered: [],
    astray: [],
    system,
  };
  if (port !== 0 && hasOtherHolders(facts)) facts.holders = findAll(port);
  if (port !== 0) {
    // What a socket shares must be known before a bind shares it.
    const sharing = [
      ...deviceRequests(facts.holders, system),
      ...(protocol === 'tcp' ? reusePortRequests(port, facts.holders) : []),
    ];
    facts.binds = [...binds, ...sharing.map(attempt)];
  }
  if (binds.some(({ result }) => !EXPLAINED.has(result))) {
    const works = (name: 'tcp' | 'udp') =>
      succeeded(tryBind({ host: WILDCARD, options: [] }, name, 0));
    facts.choiceWorks = { tcp: works('tcp'), udp: works('udp') };
  }
  return facts;
}

/** Whether a bind was refused by a socket that was gone when it was looked for. */
function isTorn(facts: PortFacts): boolean {
  return facts.port !== 0 && hasOtherHolders(facts);
}

/**
 * Explains why a port can't be bound, or why nobody is reached there: who has it, with which options, which
 * binds would work now, the causes by code, and what to do next.
 *
 * Nothing is guessed: the system's sockets are looked up first, processes only for those that have the port,
 * and then binds are tried. A bind that succeeds holds the port for some microseconds. No probe listens or
 * takes a datagram, and SO_REUSEPORT is tried last, only where every holder has it on. Where nobody has a TCP
 * port, one connection to it (of this machine to itself) shows whether the packet filter sends it to somebody
 * else; on Linux one more, of a socket on that port to itself, whether the port is reached at all. That socket has
 * the port, with SO_REUSEADDR on, until it is connected, and for 0.2 s where a filter drops what it sends.
 *
 * Needs no privilege. What takes one to see is said, in each holder's `unseen` and by the causes `'other-user'`
 * and `'hidden'`.
 *
 * @param port the port, 1 to 65535, or 0: whether the system has one to choose
 * @param options the address to bind, by default every address, and the protocol, by default TCP
 * @returns the report
 * @throws TypeError or RangeError (as a rejection) for arguments of the wrong type, range or form; a name
 *   other than `'localhost'` is none: no name is looked up
 * @throws SystemError (as a rejection) EMFILE or ENFILE where no socket can be opened
 */
export async function explainPort(
  port: number,
  options: ExplainPortOptions = {},
): Promise<PortReport> {
  const question = questionOf(port, options);
  const system = new MachineFacts();
  let facts = observe(question, system);
  for (let attempt = 1; attempt < ATTEMPTS && isTorn(facts); attempt++) {
    facts = observe(question, system);
  }
  const { protocol, host } = question;
  const free = isFree(facts);
  if (free && protocol === 'tcp' && port !== 0 && facts.holders.length === 0 && facts.loopback) {
    Object.assign(facts, await findRedirects(facts));
  }
  const causes = causesOf(facts);
  return {
    port,
    protocol,
    ...(host !== undefined && { host }),
    free,
    holders: facts.holders.map(({ socket }) => socket),
    causes,
    binds: facts.binds.map((attempt) => ({ ...attempt })),
    advice: adviceOf(causes, free),
  };
}
