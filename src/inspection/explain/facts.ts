/** What the rules go by, and how it is put into words. */
import { canonicalAddress, covers, ipVersion, isIpv6 } from '../../base/addresses';
import { forcedKillCommand, killCommand, superuserPrefix } from '../../base/platform';
import { visible } from '../../base/visible';
import type { ProcessInfo, SocketInfo } from '../socket-info';
import type { HolderFacts } from './holders';
import { succeeded } from './probes';
import type { BindAttempt, BindOption } from './report';
import type { SystemFacts } from './system-facts';

/** All that was observed of a port. */
export interface PortFacts {
  port: number;
  protocol: 'tcp' | 'udp';
  /** As it was asked for; undefined: every address. */
  host: string | undefined;
  /** The addresses at which a bind decides whether the port is free. */
  asked: readonly string[];
  holders: readonly HolderFacts[];
  binds: readonly BindAttempt[];
  /** Whether ports of the system's choice can be bound; asked where a bind is refused by no other socket. */
  choiceWorks?: { tcp: boolean; udp: boolean };
  /** Whether packets find the loopback interface. */
  loopback: boolean;
  /** The addresses at which somebody answered though nobody has the port. */
  answered: readonly string[];
  /** The addresses at which not even a socket on the port itself is reached. */
  astray: readonly string[];
  system: SystemFacts;
}

/** The attempt at an address with these options and no others. */
export function attemptAt(
  { binds }: PortFacts,
  host: string,
  ...options: BindOption[]
): BindAttempt | undefined {
  return binds.find(
    (attempt) =>
      attempt.host === host &&
      attempt.device === undefined &&
      attempt.options.length === options.length &&
      options.every((option) => attempt.options.includes(option)),
  );
}

/** Whether the addresses that were asked for can be bound with these options. */
export function worksWith(facts: PortFacts, ...options: BindOption[]): boolean {
  return facts.asked.every((host) => {
    const attempt = attemptAt(facts, host, ...options);
    return attempt !== undefined && succeeded(attempt);
  });
}

/** Whether a bind without options is refused because of another socket. */
export function isRefused(facts: PortFacts): boolean {
  return facts.asked.some((host) => attemptAt(facts, host)?.result === 'EADDRINUSE');
}

export type Relation = 'same' | 'overlap' | 'apart';

/** How a socket's address is related to those that were asked for. */
export function relationOf({ local, v6only }: SocketInfo, { host, asked }: PortFacts): Relation {
  if (host === undefined) return 'same';
  const held = canonicalAddress(local.address);
  if (asked.includes(held)) return 'same';
  const overlaps = asked.some((address) => {
    if (v6only === true && ipVersion(address) === 4) return false;
    return covers(held, address) || covers(address, held);
  });
  return overlaps ? 'overlap' : 'apart';
}

/** `127.0.0.1:8080`, `[::1]:8080`. */
export function place(address: string, port: number): string {
  return isIpv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

export function nameOf({ pid, name, command }: ProcessInfo): string {
  return visible(name ?? command?.split(' ')[0] ?? `process ${pid}`);
}

/** `nginx (pid 4711)`. */
export function processText(process: ProcessInfo): string {
  const name = process.name ?? process.command?.split(' ')[0];
  return name === undefined ? `Process ${process.pid}` : `${visible(name)} (pid ${process.pid})`;
}

/** The user of a socket: `user www-data`, `user 33`. */
export function userText({ user, uid }: SocketInfo): string | undefined {
  if (user !== undefined) return `user ${user}`;
  return uid === undefined ? undefined : `user ${uid}`;
}

/** Who has a socket, at the beginning of a sentence. */
export function ownerText(socket: SocketInfo): string {
  const [process] = socket.processes;
  if (process) return processText(process);
  const user = userText(socket);
  return user === undefined ? 'A socket' : `A socket of ${user}`;
}

/** A command that may need more rights than this user has. */
export function asOwner(command: string, { uid }: SocketInfo, { system }: PortFacts): string {
  const foreign = uid !== undefined && system.uid !== undefined && uid !== system.uid;
  return foreign && system.uid !== 0 ? superuserPrefix + command : command;
}

/** A command that only the superuser may run. */
export function asRoot(command: string, { system }: PortFacts): string {
  return system.uid === undefined || system.uid === 0 ? command : superuserPrefix + command;
}

/** A name as a shell takes it for one word: those of units may have backslashes. */
export function quoted(name: string): string {
  return name.includes('\\') ? `'${name}'` : name;
}

/** How to end processes. */
export function endAdvice(
  processes: readonly ProcessInfo[],
  socket: SocketInfo,
  facts: PortFacts,
  forced = false,
): string[] {
  if (processes.length === 0) return [];
  const pids = processes.map(({ pid }) => pid).join(' ');
  const names = [...new Set(processes.map(nameOf))].join(', ');
  const command = asOwner(`${forced ? forcedKillCommand : killCommand} ${pids}`, socket, facts);
  return [`\`${command}\` ends ${names}.`];
}

/** What a bind with SO_REUSEADDR gets, where that was tried. */
export function reuseAdvice(facts: PortFacts): string[] {
  return worksWith(facts, 'SO_REUSEADDR')
    ? ['Set SO_REUSEADDR before the bind, as Node’s TCP servers do: with it the bind works now.']
    : [];
}

export function seconds(milliseconds: number): string {
  return `${Math.ceil(milliseconds / 1000)} s`;
}
