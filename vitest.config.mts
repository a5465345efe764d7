import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A child process that is started cold on a loaded machine takes seconds.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
