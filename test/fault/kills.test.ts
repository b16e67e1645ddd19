import { describe, expect, it } from 'vitest';
import { type KillOutcome, proveKills } from '../../scripts/prove/kills.ts';
import { tempFolder } from '../harness/temp-job.ts';

// PRESCORE_TEST_SEED plays a failing schedule again.
const seed = Number(process.env['PRESCORE_TEST_SEED'] ?? Math.floor(Math.random() * 1e6));

describe('kill -9 (the full proof: npm run prove -- kills)', () => {
  it(`resumes to the same bytes and scores no finished chunk again (6 kills, seed ${seed})`, {
    timeout: 240_000,
  }, async () => {
    process.stdout.write(`kill test seed: ${seed}\n`);
    const outcomes: KillOutcome[] = [];
    await proveKills({ seed, cases: [0, 1, 2, 3, 4, 5], folder: tempFolder(), onOutcome: (o) => outcomes.push(o) }, 6);
    expect(outcomes.map((o) => o.fault).filter((fault) => fault !== '')).toEqual([]);
    expect(outcomes.filter((o) => o.victim === 'between part and record')).toHaveLength(1);
  });
});
