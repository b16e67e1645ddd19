import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findBatchAxis } from '../../src/inference/child/batch-axis.ts';
import { trySession } from '../../src/inference/child/try-session.ts';
import { prescore } from '../harness/cli.ts';
import { modelFolder, openModel } from '../harness/model-files.ts';
import { sumJob } from '../harness/sum-job.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

describe('rows that depend on their batch', () => {
  let models = '';
  beforeAll(async () => {
    models = await modelFolder();
  });
  const trial = async (path: string): Promise<unknown> => {
    const session = await openModel(path);
    try {
      return await trySession(session, findBatchAxis(session.signature, path));
    } finally {
      await session.close();
    }
  };

  it.each([
    ['softmax_rows', 'neighbours'],
    ['mean_rows', 'neighbours'],
    ['running_rows', 'neighbours'],
    ['random_rows', 'random'],
    ['sum', 'none'],
    ['fixed1', 'none'],
    ['fixed32', 'none'],
    ['gather', 'none'],
    ['log', 'none'],
    ['squeezed', 'none'],
    ['huge', null],
  ])('%s: %s', async (name, found) => {
    expect(await trial(join(models, `${name}.onnx`))).toBe(found);
  });

  it.each([
    ['delay_histgb', 'none'],
    ['delay_mixed', 'none'],
    ['delay_mixed_zipmap', 'none'],
    ['delay_mlp', 'none'],
    ['delay_mlp_fixed1024', 'none'],
    ['delay_mlp_fp16_io32', 'none'],
    ['delay_mlp_int8dyn', 'neighbours'],
  ])('trained models: %s: %s', async (name, found) => {
    expect(await trial(join(fixtures, 'models', `${name}.onnx`))).toBe(found);
  });

  it.each([
    ['mean_rows', /depends on the other rows of its batch/],
    ['random_rows', /not deterministic/],
  ])('%s: told once by check, plan and run', async (name, words) => {
    const folder = tempFolder();
    const job = await sumJob(folder, join(models, `${name}.onnx`));
    for (const command of ['check', 'plan', 'run']) {
      const { code, stderr } = await prescore([command, job]);
      expect([command, code]).toEqual([command, 0]);
      expect(stderr.match(words)).toHaveLength(1);
    }
  });
});
