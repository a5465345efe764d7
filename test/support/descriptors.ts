import { fstatSync, readdirSync } from 'node:fs';
import { isWindows } from './platform';

/** A number that no descriptor of this process has: closed for good, so no other thread can take it. */
export const neverOpen = 0x7ffffff0;

/** Windows tells no closed socket from a descriptor of another kind. */
export const closedCode = isWindows ? 'ENOTSOCK' : 'EBADF';

export function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

/** The descriptors of this process that are sockets (/dev/fd is /proc/self/fd on Linux). Unix only. */
export function openSockets(): number[] {
  return readdirSync('/dev/fd')
    .map(Number)
    .filter(isSocket)
    .sort((a, b) => a - b);
}
