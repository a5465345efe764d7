import { expect, test } from 'vitest';
import { binding } from '../../src/base/binding';
import { unixOnly, windowsOnly } from '../support/platform';
import { systemErrorLike } from '../support/thrown';

test('on Unix the event loop is not searched', unixOnly('handles show no descriptor there'), () => {
  expect(binding.loopSockets(false)).toEqual([]);
  expect(binding.loopSockets(true)).toEqual([]);
});

test("bytes that are not another process's socket", windowsOnly('Unix passes descriptors'), () => {
  const errno = systemErrorLike('WSASocket', 'EINVAL').errno;
  expect(binding.importSocket(Buffer.alloc(3))).toBe(errno);
  expect(binding.importSocket(Buffer.alloc(628))).toBeLessThan(0);
});
