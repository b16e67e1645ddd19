import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeMlp } from '../../bench/gpu/onnx-writer.ts';
import type { PlannedChunk } from '../../src/base/contract/plan.ts';
import type { PrescoreError } from '../../src/base/errors/prescore-error.ts';
import { SCORER_ENTRY, scorerEnvironment } from '../../src/cli/processes/spare-scorer.ts';
import type { ModelRequest } from '../../src/scoring/child/messages.ts';
import { ScorerPool } from '../../src/scoring/pool/scorer-pool.ts';
import { failureOf } from '../harness/failure-of.ts';
import { mlpBinding } from '../harness/mlp-binding.ts';
import { softwareVulkan } from '../harness/obtain-vulkan.ts';
import { tempFolder } from '../harness/temp-job.ts';

const BINDING = mlpBinding(['a', 'b']);
/** No machine has that many GPUs. */
const MISSING = 'cuda:99';

/** A pool of two children, and what its `load` is given. */
async function openPool(): Promise<{ readonly pool: ScorerPool; readonly model: ModelRequest }> {
  const folder = tempFolder();
  const path = join(folder, 'mlp.onnx');
  const sha256 = writeMlp(path, [2, 1]);
  const options = {
    stores: {},
    scratchDir: folder,
    scratchBytes: 2 ** 26,
    duckMemoryBytes: 2 ** 26,
    batchBytes: 2 ** 26,
    batchDivisor: 1,
    threads: 1,
    slabs: 2,
    batchDeadlineMs: 60_000,
  };
  const env = { ...scorerEnvironment(), ...(await softwareVulkan()) };
  const launch = { entry: SCORER_ENTRY, env, takeSpare: () => null, maxRssBytes: 2 ** 32, silenceMs: 60_000, options };
  return {
    pool: new ScorerPool(launch, 2),
    model: { path, where: path, sha256, intraOpThreads: 1, trees: 'auto', device: MISSING },
  };
}

test('a device that is not there is told, and the others go on without it', async () => {
  const { pool, model } = await openPool();
  try {
    const refused: PrescoreError[] = [];
    const info = await pool.load(model, [MISSING, 'webgpu'], (error) => refused.push(error));
    expect(info.device?.device).toBe('webgpu');
    await expect.poll(() => refused.map((one) => one.code), { timeout: 10_000 }).toEqual(['PROVIDER_UNAVAILABLE']);
    expect(refused[0]!.details.what).toContain(`${MISSING} is not available`);
    // The child of the first device has no model: the other one is asked. What was tried out once is known.
    const found = pool.probe(BINDING, 2048);
    expect(pool.probe(BINDING, 2048)).toBe(found);
    expect(pool.probe(BINDING, 1024)).not.toBe(found);
    expect((await found).tried.map((one) => one.rows)).toContain(1024);
  } finally {
    pool.close();
  }
});

test('when the one that is left dies again and again, the pool ends, though the other never died', async () => {
  const { pool, model } = await openPool();
  try {
    const lost: PrescoreError[] = [];
    await pool.load(model, [MISSING, 'webgpu'], (error) => lost.push(error));
    await expect.poll(() => lost.length, { timeout: 10_000 }).toBe(1);
    const chunk = { n: 3, rows: 1, bytes: 1e9, slices: [] } as unknown as PlannedChunk;
    for (let killed = 1; killed <= 7; killed++) {
      const child = pool.pids[1]!;
      process.kill(child, 'SIGKILL');
      await expect.poll(() => pool.pids[1] !== child || killed === 7, { timeout: 10_000 }).toBe(true);
    }
    const gone = { code: 'SCORER_CRASHED' };
    expect(await failureOf(pool.describe([{ uri: '/none', size: 1, etag: 'e', format: 'auto' }]))).toMatchObject(gone);
    expect(await failureOf(pool.score({ runId: 'none', chunk, files: [], onRows: () => undefined }))).toMatchObject(
      gone,
    );
  } finally {
    pool.close();
  }
}, 60_000);

test('where none is there, the error of the first one is given', async () => {
  const { pool, model } = await openPool();
  try {
    const failure = await failureOf(pool.load(model, [MISSING, 'cuda:98']));
    expect(failure.code).toBe('PROVIDER_UNAVAILABLE');
    expect(failure.details.what).toContain(MISSING);
  } finally {
    pool.close();
  }
});
