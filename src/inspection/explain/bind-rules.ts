/** Causes in what binds were answered. */
import { isIpv6, isWildcard } from '../../base/addresses';
import { asRoot, attemptAt, type PortFacts, place, relationOf } from './facts';
import { succeeded } from './probes';
import type { PortCause, PortCauseCode } from './report';
import type { SystemFacts } from './system-facts';

function of(cause: PortCauseCode, message: string, ...advice: string[]): PortCause {
  return { cause, message, advice };
}

function hasIpv6({ addresses }: SystemFacts): boolean {
  return addresses.some(({ address }) => isIpv6(address));
}

const LOOPBACK_UP = 'ip link set lo up';

function noLoopback(facts: PortFacts): PortCause {
  return of(
    'no-loopback',
    'The loopback interface is down, as in a new network namespace: nobody is reached at 127.0.0.1 or ::1.',
    `\`${asRoot(LOOPBACK_UP, facts)}\` switches it on.`,
  );
}

/** EADDRNOTAVAIL, EAFNOSUPPORT, ENODEV: the machine has no such address. */
function absentAddress(host: string, facts: PortFacts): PortCause {
  const { system } = facts;
  if (host === '::1' && !facts.loopback) return noLoopback(facts);
  if (isIpv6(host) && !hasIpv6(system)) {
    return of(
      'no-ipv6',
      `IPv6 is off here: there is no ${host}.`,
      `Use the IPv4 address: ${host === '::1' ? '`--host 127.0.0.1`' : '`--host 0.0.0.0` or one of this machine’s'}.`,
      `\`${asRoot('sysctl -w net.ipv6.conf.all.disable_ipv6=0', facts)}\` switches IPv6 on, where the kernel has it.`,
    );
  }
  const version = isIpv6(host);
  const ours = system.addresses
    .filter(({ address }) => isIpv6(address) === version)
    .map(({ address, name }) => (address.startsWith('fe80:') ? `${address}%${name}` : address));
  return of(
    'not-local',
    `${host} is none of this machine’s addresses, and only those can be bound.`,
    ...(ours.length > 0
      ? [`This machine has ${ours.map((one) => `\`--host ${one}\``).join(', ')}.`]
      : []),
    `${version ? '`--host ::`' : '`--host 0.0.0.0`'} is every address of this machine.`,
  );
}

function needsZone(host: string, { system }: PortFacts): PortCause {
  const names = system.addresses.filter(({ address }) => address === host).map(({ name }) => name);
  return of(
    'needs-zone',
    `${host} is a link-local address, which says nothing without its interface.`,
    names.length > 0
      ? `Name the interface: ${names.map((name) => `\`--host ${host}%${name}\``).join(' or ')}.`
      : `Name the interface: ${host}% and its name; \`ip -6 address\` shows which interface has the address.`,
  );
}

/** Who refuses, as far as binds to ports of the system's choice tell. */
function refuser({ protocol, system, choiceWorks }: PortFacts): string {
  const { tcp = true, udp = true } = choiceWorks ?? {};
  if (protocol === 'tcp' && !tcp && udp) {
    return 'TCP ports of every number are refused and UDP’s are not, as by Landlock';
  }
  if (!tcp && !udp) {
    return system.status?.filtered
      ? 'every bind is refused, and a seccomp filter looks at the system calls of this process'
      : 'a sandbox or a security module refuses every bind';
  }
  return 'other ports are not refused, so this is SELinux’, Landlock’s, or BPF’s on a control group';
}

/** Any error that has nothing to do with other sockets: EACCES, EPERM, or whatever a filter says. */
function refused(result: string, facts: PortFacts): PortCause {
  const { port, protocol, system } = facts;
  const { status, unprivileged } = system;
  if (system.refusesKeptPorts && result === 'EACCES') {
    return of(
      'excluded-range',
      `Windows keeps port ${port} for itself (an excluded range), or a socket with SO_EXCLUSIVEADDRUSE has it.`,
      '`netsh int ipv4 show excludedportrange protocol=tcp` shows the ranges.',
      'After `net stop winnat`, then `net start winnat`, Hyper-V’s ranges are other ones.',
    );
  }
  if (result === 'EACCES' && port > 0 && port < unprivileged && !status?.bindsPrivileged) {
    return of(
      'privileged',
      `Ports below ${unprivileged} need a privilege that this process has not (CAP_NET_BIND_SERVICE).`,
      `\`sudo sysctl -w net.ipv4.ip_unprivileged_port_start=${port}\` lets every user bind from ${port} on.`,
      `\`sudo setcap cap_net_bind_service=+ep ${process.execPath}\` lets that program.`,
      `Or bind a port from ${unprivileged} on, and have a proxy pass ${port} on to it.`,
    );
  }
  return of(
    'forbidden',
    `The bind is forbidden (${result}): ${refuser(facts)}.`,
    'Run the program outside of the sandbox, or have its profile allow the port.',
    ...(status?.filtered
      ? ['In a container: its seccomp profile (`docker run --security-opt seccomp=…`).']
      : []),
    `Under systemd: SocketBindAllow=${protocol}:${port} in the unit; with SELinux: \`sudo semanage port -a -t http_port_t -p ${protocol} ${port}\`.`,
  );
}

function exhausted(facts: PortFacts): PortCause {
  const { ephemeral, reserved } = facts.system;
  const { low = 1024, high = 65535 } = ephemeral ?? {};
  const wider = low > 1024 || high < 65535;
  const all = reserved.some((interval) => interval.low <= low && interval.high >= high);
  const widen = `\`${asRoot('sysctl -w net.ipv4.ip_local_port_range="1024 65535"', facts)}\` gives it more.`;
  return of(
    'range-exhausted',
    all
      ? `The system has no port to choose: all of ${low} to ${high} are reserved (net.ipv4.ip_local_reserved_ports).`
      : `The system has no port left to choose: all of ${low} to ${high} are taken.`,
    ...(all
      ? [`\`${asRoot('sysctl -w net.ipv4.ip_local_reserved_ports=""', facts)}\` gives them back.`]
      : []),
    ...(wider && !all ? [widen] : []),
    'Bind a port by its number outside of that range.',
  );
}

/** EADDRINUSE, and no socket is seen that would give it. */
function unseenHolder({ port, system, holders }: PortFacts): PortCause {
  const known = holders.length > 0 ? 'that would be in the way ' : '';
  if (!system.listsBound) {
    return of(
      'bound',
      `A socket has bound port ${port} and does not listen: this system does not show such sockets (Linux does since 6.8).`,
      'It is a server that is starting, or a port that is kept. Try again, or take another port.',
    );
  }
  return of(
    'hidden',
    `Port ${port} is in use, and the system shows no socket ${known}here. Under WSL with mirrored networking it is Windows that has it.`,
    'Under WSL: `netstat.exe -ano` asks Windows.',
  );
}

function causeAt(host: string, facts: PortFacts): PortCause | undefined {
  const attempt = attemptAt(facts, host);
  if (attempt === undefined || succeeded(attempt)) return undefined;
  const { result } = attempt;
  switch (result) {
    case 'EADDRINUSE': {
      if (facts.port === 0) return exhausted(facts);
      const seen = facts.holders.some(({ socket }) => relationOf(socket, facts) !== 'apart');
      return seen ? undefined : unseenHolder(facts);
    }
    case 'EINVAL':
      if (/^fe[89ab]/i.test(host) && !host.includes('%')) return needsZone(host, facts);
      return refused(result, facts);
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'ENODEV':
      return absentAddress(host, facts);
    default:
      return refused(result, facts);
  }
}

/** Why the binds that were asked about fail, but for other sockets. */
export function bindCauses(facts: PortFacts): PortCause[] {
  const causes = facts.asked.flatMap((host) => causeAt(host, facts) ?? []);
  const one = causes.filter(({ cause }, i) => causes.findIndex((c) => c.cause === cause) === i);
  const local = facts.asked.some((host) => isWildcard(host) || /^(?:127\.|::1$)/.test(host));
  if (!facts.loopback && local && one.every(({ cause }) => cause !== 'no-loopback')) {
    one.push(noLoopback(facts));
  }
  return one;
}

/** Connections that nobody here could take were answered, or do not get to whoever would take them. */
export function redirectedCauses({ answered, astray, port }: PortFacts): PortCause[] {
  const [address = astray[0]] = answered;
  if (address === undefined) return [];
  const at = place(address, port);
  const message =
    answered.length > 0
      ? `Nobody here has the port, and yet a connection to ${at} is answered: the packet filter sends it elsewhere (DNAT, IPVS), and a server that binds the port would get none.`
      : `Nobody here has the port, and yet a socket that binds ${at} does not reach itself there: the packet filter sends its connections elsewhere (DNAT), where nobody answers, refuses or drops them, and a server that binds the port would get none from this machine.`;
  return [
    {
      ...of(
        'redirected',
        message,
        '`sudo nft list ruleset` or `sudo iptables-save` shows the rule.',
        `\`docker ps --filter publish=${port}\` shows whether it is a container’s.`,
      ),
      address,
    },
  ];
}
