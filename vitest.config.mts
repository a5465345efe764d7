import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These need more than Node and a compiler: test:parity, test:netns, test:programs.
    exclude: [...configDefaults.exclude, 'test/parity/**', 'test/netns/**', 'test/programs/**'],
    // Most tests wait for the kernel or for a child: no core has to stay free.
    maxWorkers: '100%',
    // A child process that is started cold on a loaded machine takes seconds.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Wine 8 now and then fails to start a process, once in some 10,000 here, and gives no reason. No code of
    // ours says UNKNOWN.
    ...(process.env.WINEPREFIX && { retry: { count: 2, condition: /spawn UNKNOWN/ } }),
  },
});
