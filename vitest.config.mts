import { defineConfig } from 'vitest/config';

// Wine 8 now and then fails to start a process, once in some 10,000 here, and gives no reason. No code of
// ours says UNKNOWN.
const retry = process.env.WINEPREFIX ? { count: 2, condition: /spawn UNKNOWN/ } : 0;

/** A suite of test/environments, which needs more than Node and a compiler. */
const environment = (name: string, options: object = {}) => ({
  test: {
    name,
    include: [`test/environments/${name}/*.test.ts`],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 120_000 } },
    ...options,
  },
});

export default defineConfig({
  test: {
    // Most tests wait for the kernel or for a child: no core has to stay free.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'suite',
          include: ['test/**/*.test.ts'],
          exclude: ['test/environments/{faults,parity,netns,programs}/**'],
          // A child process that is started cold on a loaded machine takes seconds.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 50_000 } },
          retry,
        },
      },
      environment('faults', { maxConcurrency: 4 }),
      environment('parity'),
      // They share one range of ports.
      environment('netns', { fileParallelism: false }),
      environment('programs'),
    ],
  },
});
