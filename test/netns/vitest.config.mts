import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/netns/*.test.ts'],
    // They share one range of ports.
    fileParallelism: false,
    testTimeout: 120_000,
  },
});
