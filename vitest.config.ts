import { defineConfig } from 'vitest/config';

const base = { environment: 'node', pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const;

/** Two groups: `unit` needs nothing; `servers` gets a real S3 and a real Redis, started once for the whole run. */
export default defineConfig({
  test: {
    // One more than the cores of a small machine: many tests wait, for locks, deadlines and servers.
    maxWorkers: 3,
    globalSetup: ['test/harness/temp-root.ts'],
    projects: [
      { test: { ...base, name: 'unit', include: ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts'] } },
      {
        test: {
          ...base,
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**', 'test/property/**'],
          globalSetup: ['test/harness/global-setup.ts'],
        },
      },
    ],
  },
});
