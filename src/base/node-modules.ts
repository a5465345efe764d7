/**
 * Modules of Node that take one to three milliseconds to load, and that many programs never need (`npm run
 * bench -- load`): each is loaded at its first use.
 */
export const node = {
  get childProcess() {
    return require('node:child_process') as typeof import('node:child_process');
  },
  get cluster() {
    return require('node:cluster') as typeof import('node:cluster').default;
  },
  get crypto() {
    return require('node:crypto') as typeof import('node:crypto');
  },
  get dgram() {
    return require('node:dgram') as typeof import('node:dgram');
  },
  get net() {
    return require('node:net') as typeof import('node:net');
  },
};
