import { defineConfig } from 'vitest/config';

const base = { environment: 'node', pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const;

/** Two groups: `unit` needs nothing; `servers` gets a real S3 and a real Redis, started once for the whole run. */
export default defineConfig({
  test: {
    maxWorkers: 2,
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
