import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../src/model/elements/seeded.ts';
import { startPrescore } from '../../test/harness/cli.ts';
import { flightsJob, partDigests, writeFlights } from '../../test/harness/queue-run.ts';
import { startRedis } from '../../test/harness/redis-server.ts';
import { DisturbedRun, FAULTS, type Fault, type Ground, SLOT, SLOTS, WORKERS } from './disturbed-run.ts';
import type { Outcome, ProofOptions } from './proof.ts';

/** What one case did. */
export interface QueueOutcome extends Outcome {
  readonly what: readonly Fault[];
  /** Chunks that had a record when each fault came. */
  readonly at: readonly number[];
  /** Chunks that were scored more than once. */
  readonly twice: number;
  readonly seconds: number;
}

export interface QueueProof extends ProofOptions<QueueOutcome> {
  /** Kinds of faults to choose from; all by default. */
  readonly kinds?: readonly Fault[];
}

/**
 * Runs a job on two workers over and over, does one to three faults to each run at seeded moments, and compares every part with
 * an undisturbed embedded run. A chunk is scored twice at most for each task that was in work when a fault came.
 */
export async function proveQueue(options: QueueProof): Promise<void> {
  rmSync(join(options.folder, 'ground'), { recursive: true, force: true });
  const folder = join(options.folder, 'ground');
  const input = await writeFlights(folder);
  const embedded = await startPrescore(['run', flightsJob(folder, input), '--as-of', SLOT]).result;
  if (embedded.code !== 0) throw new Error(`the undisturbed run failed: ${embedded.stderr}`);
  const [plain, persistent] = await Promise.all([startRedis({ persistent: false }), startRedis({ persistent: true })]);
  const ground: Ground = { input, expected: partDigests(join(folder, 'out')), plain, persistent, s3: null };
  try {
    for (const index of options.cases) options.onOutcome(await oneCase(index, options, ground));
  } finally {
    ground.s3?.client.destroy();
    await Promise.all([plain.stop(), persistent.stop(), ground.s3?.server.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function oneCase(index: number, options: QueueProof, ground: Ground): Promise<QueueOutcome> {
  const started = performance.now();
  const random = seeded(options.seed * 100_000 + index);
  const run = new DisturbedRun(random, options.kinds ?? FAULTS, join(options.folder, `case-${index}`), ground);
  const chunks = Object.keys(ground.expected).length;
  const at: number[] = [];
  const faults: string[] = [];
  try {
    await run.start();
    for (const [i, fault] of run.what.entries()) {
      const moment = Math.floor(((i + run.random()) / run.what.length) * chunks);
      const limit = Date.now() + 30_000;
      while ((await run.recorded().catch(() => 0)) < moment && Date.now() < limit) await sleep(15);
      at.push(await run.recorded().catch(() => -1));
      await run.disturb(fault);
    }
    const result = await run.end();
    // Late writers get their chance before anything is compared: a worker that was stopped may still score a chunk.
    await run.stop();
    faults.push(...(await run.faults(result)));
  } catch (error) {
    faults.push(`the case broke: ${String(error)}`);
    await run.stop();
  }
  const twice = run.scoredTwice();
  const inWork = WORKERS * SLOTS * run.what.length;
  if (twice > inWork) faults.push(`${twice} chunks were scored twice, more than ${inWork}`);
  if (faults.length === 0) run.clean();
  const seconds = (performance.now() - started) / 1000;
  return { index, what: run.what, at, twice, seconds, fault: faults.join('; ') };
}
