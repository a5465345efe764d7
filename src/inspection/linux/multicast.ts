/** The multicast groups that sockets of this machine have joined: proc_pid_net(5), /proc/net/igmp and igmp6. */
import { ipv4Text, ipv6Text } from '../../base/ip-text';
import { littleEndian } from './netlink';
import { readProc } from './proc-file';

export interface JoinedGroup {
  readonly address: string;
  /** The interface's index. */
  readonly interface: number;
}

/** A heading line for each interface with its index, then one for each group: a word in the machine's order. */
export function parseIgmp(text: string): JoinedGroup[] {
  const groups: JoinedGroup[] = [];
  const view = new DataView(new ArrayBuffer(4));
  let index = 0;
  for (const line of text.split('\n')) {
    const heading = /^(\d+)\t/.exec(line);
    if (heading) index = Number(heading[1]);
    const group = /^\t+([0-9A-F]{8}) /.exec(line);
    if (group === null) continue;
    view.setUint32(0, Number.parseInt(group[1] ?? '', 16), littleEndian);
    groups.push({ address: ipv4Text(view, 0), interface: index });
  }
  return groups;
}

/** A line for each group: the interface's index and name, the group in network order. */
export function parseIgmp6(text: string): JoinedGroup[] {
  return Array.from(text.matchAll(/^(\d+)\s+\S+\s+([0-9a-f]{32}) /gm), ([, index, group = '']) => {
    const bytes = Uint8Array.from(Buffer.from(group, 'hex'));
    return { address: ipv6Text(new DataView(bytes.buffer), 0), interface: Number(index) };
  });
}

/** Empty for a kernel without multicast, or without IPv6. */
function read(table: string): string {
  return readProc(`/proc/net/${table}`, 'latin1') ?? '';
}

export function readGroups(): JoinedGroup[] {
  return parseIgmp(read('igmp'));
}

export function readGroups6(): JoinedGroup[] {
  return parseIgmp6(read('igmp6'));
}
