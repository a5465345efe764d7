import { descriptorOfHandle, handleOf } from '../../src/base/node-handles';

/** The descriptor behind a net server or socket (on Windows a SOCKET), which Node keeps private. */
export function nodeDescriptor(target: object): number {
  const fd = descriptorOfHandle(handleOf(target));
  if (fd === undefined) throw new Error('no descriptor');
  return fd;
}
