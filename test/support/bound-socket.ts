import net from 'node:net';
import { runWhen } from './platform';

interface BoundSocketClass {
  new (options: {
    host?: string;
    port?: number;
    path?: string;
  }): { fd(): number; address(): unknown; close(): void };
}

function isBoundSocketClass(value: unknown): value is BoundSocketClass {
  return typeof value === 'function';
}

/** Not in the types of Node 20. */
const found: unknown = Reflect.get(net, 'BoundSocket');

export const needsBoundSocket = runWhen(found !== undefined, 'net.BoundSocket (Node 24.19)');

export function boundByNode(options: { host?: string; port?: number; path?: string }) {
  if (!isBoundSocketClass(found)) throw new Error('this Node has no net.BoundSocket');
  return new found(options);
}
