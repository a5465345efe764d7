/** Options as another program reads them: python3's getsockopt, decoded by its struct. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { constants, type OptionName, type SocketOption } from '../../src/index';
import { root } from './paths';

export interface Wanted {
  fd: number;
  name: OptionName;
  option: SocketOption;
}

type How = [length: number, how: string];

/** How python3 reads each kind. */
const ofKind: { readonly [kind: string]: How } = {
  bigint: [8, '=Q'],
  unsigned: [4, '=I'],
  'whole-milliseconds': [4, '=I'],
  unsigned16: [2, '=H'],
  'port-range': [4, '=HH'],
  interface: [4, '!I'],
  linger: [8, '=ii'],
  milliseconds: [16, '=qq'],
  milliseconds64: [16, '=qq'],
  text: [256, 'text'],
  bytes: [512, 'hex'],
  credentials: [12, '=III'],
  integers: [1024, 'words'],
  ipv4: [4, 'ipv4'],
  address: [128, 'address'],
  'peer-name': [16, 'address'],
};

/** What python3 gives for each: numbers, text, or an error's name. */
export async function readByPython(wanted: readonly Wanted[]): Promise<unknown[]> {
  const fds = [...new Set(wanted.map(({ fd }) => fd))];
  const script = join(root, 'test/fixtures/options/read_options.py');
  const child = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit', ...fds] });
  const exited = once(child, 'close');
  const requests = wanted.map(({ fd, option: { level, name, kind } }) => {
    const [length, how] = ofKind[kind] ?? [4, '=i'];
    return [fds.indexOf(fd) + 3, level, name, length, how];
  });
  const [input, output] = [child.stdin, child.stdout];
  if (!input || !output || !('end' in input)) throw new Error('no pipes');
  input.end(JSON.stringify(requests));
  const answer: unknown = JSON.parse(await text(output));
  await exited;
  if (!Array.isArray(answer)) throw new Error(`python3 answered ${String(answer)}`);
  return answer;
}

function numberOf(name: unknown): unknown {
  const found = Object.entries(constants).find(([constant]) => constant === name);
  return found?.[1] ?? name;
}

/** Our value in the terms of `readByPython`. */
export function asPythonReads(kind: string, value: unknown): unknown {
  if (typeof value === 'boolean') return [Number(value)];
  if (typeof value === 'bigint') return [Number(value)];
  if (kind.startsWith('milliseconds')) {
    return [Math.floor(Number(value) / 1000), (Number(value) % 1000) * 1000];
  }
  if (kind === 'enumeration' && typeof numberOf(value) === 'number') return [numberOf(value)];
  if (kind === 'bytes' && value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'number') return [value];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if ('low' in value && 'high' in value) return [value.low, value.high];
  if ('enabled' in value && 'seconds' in value) return [Number(value.enabled), value.seconds];
  if ('pid' in value && 'uid' in value && 'gid' in value) return [value.pid, value.uid, value.gid];
  if ('address' in value && 'port' in value) return [value.address, value.port];
  return value;
}
