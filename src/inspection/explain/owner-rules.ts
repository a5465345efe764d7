/** Causes in who has a socket: containers, services of the system, and owners that are not seen. */
import { visible } from '../../base/visible';
import { isContainerProxy } from '../container-proxy';
import type { SocketHolder } from '../socket-info';
import { causeOf } from './cause';
import { asRoot, endAdvice, type PortFacts, processText, quoted, userText } from './facts';
import type { HolderFacts } from './holders';
import type { PortCause } from './report';

export function containerCause({ socket }: HolderFacts, { port }: PortFacts): PortCause[] {
  const proxy = socket.processes.find(isContainerProxy);
  const id = socket.cgroup?.container?.slice(0, 12);
  if (proxy === undefined && id === undefined) return [];
  const [process] = socket.processes;
  if (proxy === undefined) {
    return [
      causeOf('container', socket, process, `It runs in the container ${id}.`, [
        `\`docker stop ${id}\` ends the container (podman, nerdctl: the same).`,
      ]),
    ];
  }
  const ip = /-container-ip\s+(\S+)/.exec(proxy.command ?? '')?.[1];
  const inner = /-container-port\s+(\d+)/.exec(proxy.command ?? '')?.[1];
  const target =
    ip === undefined ? 'a container' : `port ${inner ?? '?'} of the container at ${visible(ip)}`;
  return [
    causeOf('container', socket, proxy, `${processText(proxy)} passes it on to ${target}.`, [
      `\`docker ps --filter publish=${port}\` names the container; \`docker stop\` with that name ends it.`,
    ]),
  ];
}

/** Windows' HTTP.sys is the "System" process, which is always number 4. */
const WINDOWS_SYSTEM = 4;

export function systemServiceCause({ socket }: HolderFacts, facts: PortFacts): PortCause[] {
  const { port, system } = facts;
  const is = (message: string, process: SocketHolder, ...advice: string[]) => [
    causeOf('system-service', socket, process, message, advice),
  ];
  for (const process of socket.processes) {
    const { pid, name } = process;
    if (pid === WINDOWS_SYSTEM && system.uid === undefined) {
      return is(
        'Windows’ HTTP.sys has it for a service, such as IIS, WinRM or SQL Server Reporting Services.',
        process,
        '`netsh http show servicestate` shows which.',
      );
    }
    if (pid === 1 && name === 'systemd') {
      return is(
        'systemd has it for a service that it starts at the first connection.',
        process,
        `\`systemctl list-sockets | grep :${port}\` names its socket unit; \`systemctl stop\` with that name frees the port.`,
      );
    }
    if (/^ControlCe/.test(name ?? '') && (port === 5000 || port === 7000)) {
      return is(
        'macOS’ AirPlay Receiver has it.',
        process,
        'Turn it off in System Settings, General, AirDrop & Handoff, AirPlay Receiver.',
      );
    }
  }
  return [];
}

/** Who has a socket of which no process is seen. */
export function unknownOwnerCauses(
  { socket, receivers }: HolderFacts,
  facts: PortFacts,
): PortCause[] {
  if (socket.inode === undefined && socket.unseen.length === 0) return [];
  if (socket.processes.length > 0) return [];
  const [receiver, ...others] = receivers;
  if (receiver) {
    // The kernel tells who has descriptors waiting (scm_fds of fdinfo), and not which.
    const names = receivers.map(processText).join(' or ');
    return [
      causeOf(
        'in-flight',
        socket,
        others.length === 0 ? receiver : undefined,
        `No process has it: its descriptor was sent through a Unix domain socket, and ${names} has not received it yet.`,
        others.length === 0
          ? endAdvice(receivers, socket, facts)
          : ['End the one of them that is to get it.'],
      ),
    ];
  }
  const { cgroup } = socket;
  const unit = cgroup?.unit;
  const where = unit ?? (cgroup && cgroup.path !== '/' ? visible(cgroup.path) : undefined);
  const candidates = (cgroup?.processes ?? []).map(processText).join(', ');
  const group =
    where === undefined
      ? ''
      : ` It was made in the control group ${where}${candidates && `, whose processes are ${candidates}`}.`;
  const unitAdvice =
    unit === undefined ? [] : [`\`systemctl status ${quoted(unit)}\` shows that unit.`];
  const why = `bindport why ${facts.port}${facts.protocol === 'udp' ? ' --udp' : ''}`;
  const right = socket.unseen.find(({ what }) => what === 'processes')?.right;
  if (right !== undefined) {
    const user = userText(socket) ?? 'another user';
    const [sees, advice] =
      right === 'root'
        ? ['only root sees which', `\`${asRoot(why, facts)}\` names the process.`]
        : [
            'this root lacks CAP_SYS_PTRACE, which would show which',
            `\`${why}\` names the process with that capability (docker run --cap-add SYS_PTRACE), or on the host.`,
          ];
    return [
      causeOf(
        'other-user',
        socket,
        undefined,
        `A process of ${user} has it, and ${sees}.${group}`,
        [advice, ...unitAdvice],
      ),
    ];
  }
  const reason = facts.system.status?.seesAllProcesses
    ? 'it is the kernel’s own (NFS, WireGuard) or io_uring’s'
    : 'it is in another pid namespace (the host’s or a container’s), or the kernel’s own';
  return [
    causeOf(
      'hidden',
      socket,
      undefined,
      `No process that is seen here has it: ${reason}.${group}`,
      [`\`${why}\` on the host, as root, names the process.`, ...unitAdvice],
    ),
  ];
}
