/** How commands write sockets and their processes. */
import type { SocketHolder, SocketInfo, Unseen } from '../inspection/socket-info';
import type { SocketAddress } from '../socket/socket-address';

function ipText(address: string, v6only: boolean | undefined): string {
  // As ss does: both IP versions.
  if (address === '::' && v6only === false) return '*';
  return address.includes(':') ? `[${address}]` : address;
}

/** `127.0.0.1:80`; `*:80` for both IP versions; a path, or an abstract name as `@name`. */
export function addressText({ address, family, port }: SocketAddress, v6only?: boolean): string {
  if (family === 'Unix') return address === '' ? '(no name)' : address.replace(/^\0/, '@');
  return `${ipText(address, v6only)}:${port === 0 ? '*' : port}`;
}

/** The processes that have a socket, each once, lowest first: the parent comes before its children. */
export function holdersOf({ processes }: SocketInfo): SocketHolder[] {
  const byPid = new Map(processes.map((holder) => [holder.pid, holder]));
  return [...byPid.values()].sort((a, b) => a.pid - b.pid);
}

/** The container, the unit or the control group of a socket, where it tells something. */
export function groupText({ cgroup }: SocketInfo): string | undefined {
  if (cgroup === undefined) return undefined;
  // As much of the id as docker ps shows.
  if (cgroup.container !== undefined) return `container ${cgroup.container.slice(0, 12)}`;
  // The root group holds whatever nobody has put elsewhere.
  return cgroup.unit ?? (cgroup.path === '/' ? undefined : cgroup.path);
}

/** What could not be seen, each reason once; not that there may be more processes beside those that are shown. */
export function unseenReasons(sockets: readonly SocketInfo[]): string[] {
  const reasons = sockets.flatMap(({ unseen, processes }) =>
    unseen.filter(({ what }: Unseen) => what !== 'processes' || processes.length === 0),
  );
  return [...new Set(reasons.map(({ message }) => message))];
}
