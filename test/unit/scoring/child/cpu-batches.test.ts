import { describe, expect, it } from 'vitest';
import { chooseCpuBatch } from '../../../../src/scoring/child/probe-batch.ts';

const MIB = 2 ** 20;

/** A process that grows as batches of a model make it: bytes a row, microseconds a row and a call. */
function model({ rowBytes = 0, rowUs = 1, callUs = 50, other = 0 }) {
  const sizes: number[] = [];
  let peakBytes = 300 * MIB;
  const tryRows = async (rows: number) => {
    sizes.push(rows);
    peakBytes = Math.max(peakBytes, (300 + (rows > 1 ? other : 0)) * MIB + rows * rowBytes);
    return { ms: (callUs + rows * rowUs) / 1000, peakBytes };
  };
  return { sizes, tryRows };
}

describe('the batch of a CPU', () => {
  it('is the usual one after a few rows, where any batch fits', async () => {
    const { sizes, tryRows } = model({ rowBytes: 2000 });
    expect(await chooseCpuBatch(4096, 64 * MIB, tryRows)).toEqual({ batchRows: 4096, tried: [] });
    expect(sizes).toEqual([1, 8, 64]);
  });

  it('is tried whole where the process grows for other reasons', async () => {
    const { sizes, tryRows } = model({ rowBytes: 2000, other: 12 });
    expect((await chooseCpuBatch(4096, 64 * MIB, tryRows)).batchRows).toBe(4096);
    expect(sizes.at(-1)).toBe(4096);
  });

  it('fits the budget where activations are large', async () => {
    const { sizes, tryRows } = model({ rowBytes: 2 * MIB, rowUs: 10, callUs: 5000 });
    const { batchRows } = await chooseCpuBatch(4096, 300 * MIB, tryRows);
    expect(batchRows).toBe(128);
    expect(Math.max(...sizes) * 2).toBeLessThanOrEqual(300);
  });

  it('is no larger than speed gains', async () => {
    const { tryRows } = model({ rowBytes: 2 * MIB, rowUs: 5000, callUs: 1 });
    expect((await chooseCpuBatch(4096, 4096 * MIB, tryRows)).batchRows).toBe(8);
  });

  it('is one row where not eight fit', async () => {
    const { tryRows } = model({ rowBytes: 100 * MIB, rowUs: 1e5 });
    expect((await chooseCpuBatch(4096, 300 * MIB, tryRows)).batchRows).toBe(1);
  });
});
