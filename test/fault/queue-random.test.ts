import { describe, expect, it } from 'vitest';
import { proveQueue, type QueueOutcome } from '../../scripts/prove/queue.ts';
import { tempFolder } from '../harness/temp-job.ts';

// PRESCORE_TEST_SEED plays a failing schedule again.
const seed = Number(process.env['PRESCORE_TEST_SEED'] ?? Math.floor(Math.random() * 1e6));

describe('random faults over runs on two workers (the full proof: npm run prove -- queue)', () => {
  it(`every run ends with the same bytes (2 runs, seed ${seed})`, { timeout: 240_000 }, async () => {
    process.stdout.write(`queue fault seed: ${seed}\n`);
    const outcomes: QueueOutcome[] = [];
    await proveQueue({
      seed,
      cases: [0, 1],
      folder: tempFolder(),
      kinds: ['worker', 'child', 'enqueuer', 'scheduler', 'redis', 'flush', 'stop'],
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    expect(outcomes.map((o) => o.fault)).toEqual(['', '']);
  });
});
