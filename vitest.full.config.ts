import { defineConfig } from 'vitest/config';

/** Tests of minutes each; `npm test` leaves them out. */
export default defineConfig({
  test: {
    include: ['test/full/**/*.test.ts'],
    setupFiles: ['test/seed.ts'],
    testTimeout: 1_200_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
