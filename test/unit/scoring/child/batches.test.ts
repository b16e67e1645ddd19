import { describe, expect, test } from 'vitest';
import { chooseBatch } from '../../../../src/scoring/child/probe-batch.ts';
import { BatchProbes } from '../../../../src/scoring/pool/batch-probes.ts';
import { bisectRows } from '../../../../src/scoring/thread/bisect-rows.ts';

const SHORT =
  '[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 34359738368';

/** Scores up to `fits` rows at once; rows of `guilty` fail alone and in company. */
async function bisect(rows: number, fits: number, guilty: readonly number[] = [], text = SHORT) {
  const ran: [number, number][] = [];
  const found = { ran, guilty: [] as number[], halved: [] as number[] };
  const whole = await bisectRows(
    0,
    rows,
    async (from, count) => {
      if (guilty.some((row) => row >= from && row < from + count)) throw new RangeError(text);
      if (count > fits) throw new RangeError(SHORT);
      ran.push([from, count]);
    },
    (row) => found.guilty.push(row),
    (most) => found.halved.push(most),
  );
  return { ...found, whole, least: Math.min(...found.halved) };
}

describe('a batch for which memory is short', () => {
  test('is halved until it fits, and what fits is told', async () => {
    const { ran, whole, least, guilty } = await bisect(4096, 1024);
    expect(whole).toBe(true);
    expect(guilty).toEqual([]);
    expect(least).toBe(1024);
    // One row at each end shows first that the batch is too large and not the model.
    expect(ran.filter(([, count]) => count > 1)).toEqual([0, 1024, 2048, 3072].map((from) => [from, 1024]));
  });

  test('that fits tells nothing', async () => {
    expect((await bisect(4096, 4096)).halved).toEqual([]);
  });

  test('because of one row leaves later batches as they are', async () => {
    const { guilty, halved, whole } = await bisect(64, 64, [17]);
    expect(guilty).toEqual([17]);
    expect(whole).toBe(false);
    // Halves without the row fit as they were, so no size is short.
    expect(halved).toEqual([]);
  });

  test('is not what another failure is', async () => {
    const { guilty, halved } = await bisect(64, 64, [3, 4], 'indices element out of data bounds, idx=7');
    expect(guilty).toEqual([3, 4]);
    expect(halved).toEqual([]);
  });

  test('is not a failure of the device, which ends the process instead of rejecting every row', async () => {
    const text = 'CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=h ; file=f ; line=1';
    await expect(bisect(64, 64, [5], text)).rejects.toMatchObject({ code: 'SCORER_CRASHED', retryable: true });
    const short = 'CUDA failure 2: out of memory ; GPU=0 ; hostname=h ; file=f ; line=1';
    expect((await bisect(64, 64, [5], short)).guilty).toEqual([5]);
  });

  test('for a model that has no room for one row is an error', async () => {
    await expect(bisect(64, 0)).rejects.toMatchObject({ code: 'MODEL_FAILED' });
  });
});

describe('the batch of a GPU', () => {
  const probe = (most: number, speeds: Readonly<Record<number, number | null>>) =>
    chooseBatch(most, async (rows) => (rows in speeds ? speeds[rows]! : 1));

  test('grows while twice the rows are a tenth faster', async () => {
    const found = await probe(65_536, { 1024: 1e6, 2048: 1.9e6, 4096: 3e6, 8192: 3.2e6, 16384: 9e6 });
    expect(found.batchRows).toBe(4096);
    expect(found.tried.map((t) => t.rows)).toEqual([1024, 2048, 4096, 8192]);
  });

  test('stays where memory ends', async () => {
    const found = await probe(65_536, { 1024: 1e6, 2048: 2e6, 4096: null });
    expect(found).toEqual({
      batchRows: 2048,
      tried: [
        { rows: 1024, rowsPerSecond: 1e6 },
        { rows: 2048, rowsPerSecond: 2e6 },
      ],
    });
  });

  test('is never more than the rows are wide enough for, and never takes seconds', async () => {
    expect((await probe(512, { 512: 1e6 })).batchRows).toBe(512);
    expect((await probe(65_536, { 1024: 100, 2048: 1000 })).tried).toHaveLength(1);
    expect((await probe(65_536, { 1024: 0 })).batchRows).toBe(1024);
  });
});

test('a batch is tried out once for a binding, and again after a failure', async () => {
  const probes = new BatchProbes<object>();
  const binding = { inputs: [], outputs: [], fixedBatch: null };
  const asked: string[] = [];
  const probe =
    (name: string, fails = false) =>
    async () => {
      asked.push(name);
      if (fails) throw new Error(name);
      return { batchRows: 4096, tried: [], refused: null, isCopying: false };
    };
  await expect(probes.get(binding, 9, probe('a', true))).rejects.toThrow('a');
  expect(await Promise.all([probes.get(binding, 9, probe('b')), probes.get(binding, 9, probe('c'))])).toHaveLength(2);
  await probes.get(binding, 8, probe('d'));
  expect(asked).toEqual(['a', 'b', 'd']);
});
