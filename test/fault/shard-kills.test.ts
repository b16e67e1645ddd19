import { describe, expect, it } from 'vitest';
import type { SaidOutcome } from '../../scripts/prove/proof.ts';
import { proveShards } from '../../scripts/prove/shards.ts';
import { tempFolder } from '../harness/temp-job.ts';

// PRESCORE_TEST_SEED plays a failing schedule again.
const seed = Number(process.env['PRESCORE_TEST_SEED'] ?? Math.floor(Math.random() * 1e6));

describe('shards under faults (the full proof: npm run prove -- shards)', () => {
  it(`commit once, with the bytes of the undivided run (2 runs, seed ${seed})`, { timeout: 120_000 }, async () => {
    process.stdout.write(`shard test seed: ${seed}\n`);
    const outcomes: SaidOutcome[] = [];
    await proveShards({ seed, cases: [0, 1], folder: tempFolder(), onOutcome: (o) => outcomes.push(o) });
    expect(outcomes.map((o) => o.fault)).toEqual(['', '']);
  });
});
