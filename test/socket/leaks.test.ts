import { describe, expect, test } from 'vitest';
import { reportOf } from '../support/child';
import { foreignIpv4 } from '../support/network';
import { isLinux, isSanitized, runWhen, unixOnly } from '../support/platform';

interface Growth {
  sockets: number;
  heap: number;
  rss: number;
}

function isGrowth(value: unknown): value is Growth {
  return typeof value === 'object' && value !== null && 'sockets' in value && 'rss' in value;
}

const CALLS = 10_000;
/** Less than a pointer per call. */
const HEAP_BOUND = 4 * CALLS;
/** Half of malloc's smallest block (32 bytes) per call. */
const RSS_BOUND = 16 * CALLS;

/**
 * What ten thousand calls leave behind: the least of several rounds after one of warming up. A leak
 * shows in every round, the engine's own needs (compiled code, heap pages) only in some.
 */
async function leastGrowth(work: string): Promise<Growth> {
  const rounds = await reportOf('socket/leaks.cjs', {
    args: [work, foreignIpv4, String(HEAP_BOUND), String(RSS_BOUND)],
    // With a small young generation the heap reaches its final size during the first rounds.
    execArgv: ['--expose-gc', '--max-semi-space-size=1', '--single-threaded-gc'],
  });
  if (!Array.isArray(rounds) || !rounds.every(isGrowth)) throw new Error('no report');
  const least = (key: keyof Growth) => Math.min(...rounds.map((round) => round[key]));
  return { sockets: least('sockets'), heap: least('heap'), rss: least('rss') };
}

const here = isSanitized
  ? runWhen(false, 'AddressSanitizer keeps freed memory for a while')
  : unixOnly('counts descriptors in /dev/fd');

describe('ten thousand times', { ...here, timeout: 120_000 }, () => {
  test.each([
    'findUnusedPort',
    'findUnusedPort for UDP',
    'an unsafe option',
    'an unsafe option of a bare descriptor',
    'a foreign host',
    'a bound socket',
    'a type that the kernel refuses',
    'a family without ports',
    'a closed descriptor',
    'open, bindPort and close',
    'open, detach, from and close',
    'options with buffers',
    'inspectSocket',
    'inspectSocket of a number',
    ...(isLinux ? ["inspectSocket of another process's", 'inspectSocket of what is gone'] : []),
  ])('%s leaves descriptors and memory as they were', async (work) => {
    const { sockets, heap, rss } = await leastGrowth(work);
    expect(sockets).toBe(0);
    expect(heap).toBeLessThan(HEAP_BOUND);
    expect(rss).toBeLessThan(RSS_BOUND);
  });

  test('a leak of objects would be seen', async () => {
    expect((await leastGrowth('a leak of objects')).heap).toBeGreaterThan(HEAP_BOUND);
  });

  test('a leak of descriptors would be seen', async () => {
    expect((await leastGrowth('a leak of descriptors')).sockets).toBeGreaterThan(0);
  });
});
