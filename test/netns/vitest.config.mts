import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/netns/*.test.ts'],
    globalSetup: 'test/netns/setup.ts',
    testTimeout: 60_000,
  },
});
