import { fstatSync, readdirSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { constants, SocketHandle } from '../../src/index';
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

/** Opens sockets until one has the number: those of closed ones are given out again soon. */
export function reuse(fd: number, type: number = constants.SOCK_STREAM): SocketHandle {
  for (let i = 0; i < 1000; i++) {
    const handle = new SocketHandle(constants.AF_INET, type);
    onTestFinished(() => handle.close());
    if (handle.fd === fd) return handle;
  }
  throw new Error(`no other socket got the number ${fd}`);
}
