import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ExactFinding } from '../../src/base/contract/exact.ts';
import { certifySession } from '../../src/model/certify/certify-session.ts';
import { probesOf } from '../../src/model/certify/probe-inputs.ts';
import { loadModelFile } from '../../src/model/engine/load-model.ts';
import type { InspectedModel } from '../../src/scoring/bench/bench-messages.ts';
import type { Comparison } from '../../src/scoring/bench/comparison.ts';
import { prescore } from '../harness/cli.ts';
import { modelFolder } from '../harness/model-files.ts';
import { pythonPath, runPython } from '../harness/python.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

let models = '';
beforeAll(async () => {
  models = await modelFolder();
}, 300_000);

const AS_A_RUN = { intraOpThreads: 1, trees: 'auto', device: 'cpu' } as const;

async function tried(name: string, mostRows: number): Promise<ExactFinding[]> {
  const path = join(models, `${name}.onnx`);
  const { session, info } = await loadModelFile({ path, where: path, sha256: null }, AS_A_RUN);
  const wish = { depth: 'quick', budgetMs: 2000, mostRows } as const;
  const found: ExactFinding[] = [];
  // Nothing of a trial may stay in the model.
  for (let again = 0; again < 2; again++)
    found.push(
      await certifySession(
        probesOf(session, () => undefined),
        info.dynamicQuantization,
        wish,
        null,
      ),
    );
  await session.close();
  return found;
}

describe('a trial is not fooled', () => {
  it.each([
    // A batch of 8 rows always, whose rows are told apart by standing among others alone.
    ['centred8', null, 'neighbours'],
    ['weighed8', 'plain', null],
    ['centred', null, 'neighbours'],
    // There is nothing that could differ.
    ['nothing', null, 'untried'],
    ['best_row', null, 'untried'],
    ['fewer', null, 'untried'],
    // Zeros for what all rows share would hide everything.
    ['scaled_log', 'pad8', null],
    ['undeclared_x', 'plain', null],
  ])('%s: %s, %s', async (name, policy, why) => {
    for (const mostRows of [4096, 256, 64])
      for (const finding of await tried(name, mostRows))
        expect([mostRows, finding.policy, finding.why]).toEqual([mostRows, policy, why]);
  });
});

describe('rows are found in one way', () => {
  it('model inspect: a fixed batch beside another fixed length, and an input of no declared shape', async () => {
    for (const [name, rows, feedBytes] of [
      ['weighed8', 8, 12],
      ['undeclared_x', 4096, 512],
    ] as const) {
      const { code, stdout } = await prescore(['model', 'inspect', join(models, `${name}.onnx`), '--json']);
      const { loaded } = JSON.parse(stdout) as InspectedModel;
      expect([name, code, loaded!.exactness!.policy]).toEqual([name, 0, 'plain']);
      expect(loaded!.batch).toMatchObject({ rows, feedBytes, refused: null });
    }
  });

  it('model optimize: made-up rows of such a model, and real ones of a fixed batch', async () => {
    const made = await prescore(['model', 'optimize', join(models, 'weighed8.onnx'), '--graph', 'basic', '--json']);
    expect(made.code).toBe(0);
    const { comparison } = made.events.at(-1) as unknown as { comparison: Comparison };
    expect(comparison).toMatchObject({ rows: 8, isMadeUp: true });
    expect(comparison.speed.map(({ batchRows }) => batchRows)).toEqual([8]);

    const train = join(tempFolder(), 'train.parquet');
    await runPython('make_vectors.py', [train, '1300', '1']);
    const model = join(fixtures, 'models/delay_mlp_fixed1024.onnx');
    const args = ['model', 'optimize', model, '--int8', '--calibrate', train, '--json'];
    const eight = await prescore(args, { env: { PYTHONPATH: await pythonPath() }, timeoutMs: 180_000 });
    expect([eight.code, eight.stderr]).toEqual([0, '']);
    const report = eight.events.at(-1) as unknown as { comparison: Comparison };
    expect(report.comparison.rows).toBe(1300);
    expect(report.comparison.speed.map(({ batchRows }) => batchRows)).toEqual([1024]);
  }, 200_000);
});
