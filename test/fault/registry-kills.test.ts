import { expect, inject, it } from 'vitest';
import { proveRegistry, type RegistryRound } from '../../scripts/prove/registry.ts';
import { tempFolder } from '../harness/temp-job.ts';

// PRESCORE_TEST_SEED plays a failing round again.
const seed = Number(process.env['PRESCORE_TEST_SEED'] ?? Math.floor(Math.random() * 1e6));

it(`adders and movers that are killed leave one digest a number and a whole chain (seed ${seed}; the full proof: npm run prove -- registry)`, async () => {
  const outcomes: RegistryRound[] = [];
  const options = { seed, cases: [0, 1], folder: tempFolder(), onOutcome: (o: RegistryRound) => outcomes.push(o) };
  await proveRegistry(options, inject('s3'));
  expect(outcomes.map(({ fault }) => fault)).toEqual(['', '']);
  expect(outcomes.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThan(8);
});
