import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { certifySession } from '../../src/model/certify/certify-session.ts';
import { probesOf } from '../../src/model/certify/probe-inputs.ts';
import { prescore } from '../harness/cli.ts';
import { modelFolder, openModel } from '../harness/model-files.ts';
import { serveFor, writeServe } from '../harness/serve-process.ts';
import { sumJob } from '../harness/sum-job.ts';
import { fixtures, sha256Of, tempFolder } from '../harness/temp-job.ts';

describe('rows that depend on their batch', () => {
  let models = '';
  beforeAll(async () => {
    models = await modelFolder();
  });
  const trial = async (path: string): Promise<unknown> => {
    const session = await openModel(path);
    try {
      const wish = { depth: 'quick', budgetMs: 5000, mostRows: 4096 } as const;
      const { policy, why } = await certifySession(
        probesOf(session, () => undefined),
        false,
        wish,
        null,
      );
      return policy ?? why;
    } finally {
      await session.close();
    }
  };

  it.each([
    ['softmax_rows', 'neighbours'],
    ['mean_rows', 'neighbours'],
    ['running_rows', 'neighbours'],
    ['random_rows', 'random'],
    ['sum', 'plain'],
    ['fixed1', 'plain'],
    ['fixed32', 'plain'],
    ['gather', 'plain'],
    ['log', 'pad8'],
    ['squeezed', 'plain'],
    ['huge', 'untried'],
  ])('%s: %s', async (name, found) => {
    expect(await trial(join(models, `${name}.onnx`))).toBe(found);
  });

  it.each([
    ['delay_histgb', 'plain'],
    ['delay_mixed', 'pad8'],
    ['delay_mixed_zipmap', 'plain'],
    ['delay_mlp', 'plain'],
    ['delay_mlp_fixed1024', 'plain'],
    ['delay_mlp_fp16_io32', 'plain'],
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

  it('told by serve once for a version, with a byte order mark before the body', async () => {
    const folder = tempFolder();
    const version = join(folder, 'models/mean/1');
    mkdirSync(version, { recursive: true });
    cpSync(join(models, 'mean_rows.onnx'), join(version, 'model.onnx'));
    writeFileSync(join(version, 'model.onnx.sha256'), sha256Of(join(version, 'model.onnx')));
    const server = await serveFor(writeServe(folder, { models: { folder: 'models/' }, batcher: { deadline: '5s' } }));
    for (const mark of ['', '\ufeff']) {
      const answer = await fetch(`${server.url}/v1/models/mean:predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `${mark}{"instances": [[1, 2, 3], [3, 2, 1]]}`,
      });
      expect([answer.status, await answer.json()]).toEqual([
        200,
        {
          predictions: [
            [-1, 0, 1],
            [1, 0, -1],
          ],
        },
      ]);
    }
    const told = server.lines.filter((line) => line['dependence'] === 'neighbours');
    expect(told).toEqual([expect.objectContaining({ model: 'mean', version: '1', level: expect.anything() })]);
  });
});
