import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { scoreBatch } from '../../src/inference/child/score-batch.ts';
import { findBatchAxis } from '../../src/model/elements/batch-axis.ts';
import { loadModelFile } from '../../src/model/engine/load-model.ts';
import { prescore } from '../harness/cli.ts';
import { modelFolder, openModel, pinnedModel } from '../harness/model-files.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

describe('models as exporters write them', () => {
  let models = '';
  beforeAll(async () => {
    models = await modelFolder();
  });

  async function wrongRows(model: string, rows: number, changes: object): Promise<unknown> {
    const folder = tempFolder();
    await writeTables({ [join(folder, 'in.parquet')]: rows });
    const job = await tinyJob(folder, join(folder, 'in.parquet'), {
      model: pinnedModel(join(models, `${model}.onnx`)),
      ...changes,
    });
    const { code, stderr } = await prescore(['run', job]);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('MODEL_')]);
    const found = (await readOutput(join(folder, 'out'))).map((row) => [Number(row['id']), row['y']] as const);
    const wrong = found.filter(([id, y]) => y !== id + (id % 7) + (id % 3));
    return { rows: found.length, wrong };
  }

  it.each([
    ['squeezed', 1, 4],
    ['squeezed', 9, 4],
    ['squeezed_open', 1, 4],
    ['squeezed_open', 65, 64],
    ['squeezed', 3, 1],
  ])('%s: the batch axis is lost for one row: %d rows in batches of %d', async (model, rows, batchRows) => {
    expect(await wrongRows(model, rows, { execution: { scorers: 1, batchRows } })).toEqual({ rows, wrong: [] });
  });

  it('an input without a declared shape takes columns, and a value as a scalar', async () => {
    const features = { x: ['c0', 'c1', 'c2'], factor: { value: 1 } };
    expect(await wrongRows('shapeless', 50, { features })).toEqual({ rows: 50, wrong: [] });
  });

  it.each([1, 2, 65])('an output that is declared and comes as [1, N] is one value a row: %d rows', async (rows) => {
    expect(await wrongRows('turned', rows, { execution: { scorers: 1, batchRows: 4 } })).toEqual({ rows, wrong: [] });
  });

  it('an output of two values a row that is declared as one is a list, and init takes both', async () => {
    const folder = tempFolder();
    await writeTables({ [join(folder, 'in.parquet')]: 50 });
    const job = join(folder, 'job.yaml');
    const args = ['init', join(models, 'two_targets.onnx'), join(folder, 'in.parquet'), '--out', job];
    expect((await prescore([...args, '--features', 'c0,c1,c2'])).code).toBe(0);
    expect((await prescore(['run', job])).code).toBe(0);
    const found = (await readOutput(join(folder, 'out/two_targets'))).map((row) => [Number(row['id']), row['y']]);
    expect(found).toHaveLength(50);
    for (const [id, y] of found as [number, number[]][]) expect(y).toEqual([id, id % 7]);
  });

  it('turned: live, one row and more', async () => {
    const path = join(models, 'turned.onnx');
    const options = { intraOpThreads: 1, trees: 'auto', device: 'cpu' } as const;
    const { session } = await loadModelFile({ path, where: path, sha256: null }, options);
    const axis = findBatchAxis(session.signature, 'turned');
    for (const rows of [1, 2, 3]) {
      const data = Float32Array.from({ length: 3 * rows }, (_, i) => i);
      const feeds = new Map([['x', { type: 'float32' as const, dims: [rows, 3], data }]]);
      const y = (await scoreBatch(session, axis, feeds, rows, ['y'])).outputs.get('y')!;
      expect([y.dims, Array.from(y.data as Float32Array)]).toEqual([
        [rows],
        Array.from({ length: rows }, (_, row) => 9 * row + 3),
      ]);
    }
    await session.close();
  });

  it.each(['squeezed', 'squeezed_open'])('%s: live, one row and more', async (model) => {
    const session = await openModel(join(models, `${model}.onnx`));
    const axis = findBatchAxis(session.signature, model);
    for (const rows of [1, 2, 3]) {
      const data = Float32Array.from({ length: 3 * rows }, (_, i) => i);
      const feeds = new Map([['x', { type: 'float32' as const, dims: [rows, 3], data }]]);
      const { outputs } = await scoreBatch(session, axis, feeds, rows, ['y']);
      const y = outputs.get('y')!;
      expect([y.dims, Array.from(y.data as Float32Array)]).toEqual([
        [rows],
        Array.from({ length: rows }, (_, row) => 9 * row + 3),
      ]);
    }
    await session.close();
  });
});
