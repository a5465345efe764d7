import { canonicalAddress, isWildcard } from '../base/addresses';
import { EMFILE, ENFILE, isSystemError } from '../base/errors';
import { visible } from '../base/visible';
import { isContainerProxy } from '../inspection/container-proxy';
import { findSocketsSync } from '../inspection/find-sockets';
import { type Kinship, kinshipOf, type Roots, startOf } from '../inspection/kinship';
import { reaches } from '../inspection/port-conflicts';
import type { ProcessInfo, SocketInfo } from '../inspection/socket-info';

/** A process that is none of ours. */
export interface Stranger {
  readonly pid: number;
  readonly command: string;
  /** The command as it is shown: a process can have any text as its own. */
  readonly shown: string;
}

/** Who listens: one of ours, a stranger, or nobody knows. */
export type Listener = 'ours' | 'unknown' | Stranger;

/** Who listens on an address on which somebody does. Among those that share it a stranger counts most. */
export function whoListens(port: number, address: string, roots: Roots): Listener {
  const all = listenersOn(port, address).map(({ processes }) => whoHas(processes, roots));
  const stranger = all.find((listener) => typeof listener === 'object');
  if (stranger !== undefined) return stranger;
  return all.length > 0 && all.every((listener) => listener === 'ours') ? 'ours' : 'unknown';
}

/** Of the processes that have one socket, a server and its workers, one of ours is enough. */
function whoHas(processes: readonly ProcessInfo[], roots: Roots): Listener {
  let known = 0;
  for (const process of processes) {
    const kinship = kinshipIn(process, roots);
    if (kinship === 'descendant') return 'ours';
    if (kinship === 'stranger') known++;
  }
  const [first] = processes;
  if (first === undefined || known < processes.length) return 'unknown';
  const command = first.command ?? first.name ?? '';
  return { pid: first.pid, command, shown: visible(command) || 'its command is hidden' };
}

function kinshipIn(process: ProcessInfo, roots: Roots): Kinship {
  const kinship = kinshipOf(process.pid, roots);
  if (kinship !== 'stranger' || !isContainerProxy(process)) return kinship;
  // Docker's daemon, which is older than the program, starts it for `docker run`.
  const { since = 0 } = roots;
  return (startOf(process.pid) ?? 0) < since ? 'stranger' : 'unknown';
}

/** The sockets that the kernel gives connections to the address: those on it, else those on a wildcard. */
function listenersOn(port: number, address: string): SocketInfo[] {
  const wanted = canonicalAddress(address);
  const all = findListeners(port, 'likely');
  const exact = all.filter(({ local }) => canonicalAddress(local.address) === wanted);
  if (exact.length > 0) return exact;
  return all.filter(({ local, v6only }) =>
    reaches({ address: canonicalAddress(local.address), v6only }, { address: wanted }),
  );
}

/** The addresses that somebody listens on, wildcards left out. */
export function listenedAddresses(port: number): string[] {
  const addresses = findListeners(port, 'none').map(({ local }) => canonicalAddress(local.address));
  return [...new Set(addresses)].filter((address) => !isWildcard(address));
}

function findListeners(port: number, processes: 'likely' | 'none'): SocketInfo[] {
  try {
    return findSocketsSync({ port, protocol: 'tcp', state: 'LISTEN', processes });
  } catch (error) {
    // That is no answer. Others are: a sandbox hides the list.
    if (isSystemError(error, EMFILE, ENFILE)) throw error;
    return [];
  }
}
