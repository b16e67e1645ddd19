import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type FeatureForm,
  type FeatureRow,
  featureRow,
  type JobScorer,
  type RowScore,
} from '../../src/base/contract/job-scorer.ts';
import { LmdbStore } from '../../src/sets/lmdb/lmdb-store.ts';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { prescore } from '../harness/cli.ts';
import { liveJob } from '../harness/live-job.ts';
import { readOutput, readParquet } from '../harness/read-parquet.ts';
import { FLIGHT_FEATURES, fixtures, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

/*
 * Rows that a run has scored, asked for live: the same values, to the last bit where the model is deterministic for itself.
 */
type Row = Record<string, unknown>;
const FLIGHTS = { prediction: { tensor: 'label' }, probability: { tensor: 'probabilities', index: 1 } };

async function ranJob(job: Readonly<Record<string, unknown>>): Promise<{ path: string; folder: string; batch: Row[] }> {
  const folder = tempFolder();
  const path = writeJob(folder, { id: ['flight_id'], output: { uri: join(folder, 'out') }, ...job });
  const result = await prescore(['run', path]);
  // 3: some rows were rejected.
  expect([result.code, result.stderr]).toEqual([expect.toBeOneOf([0, 3]), expect.not.stringMatching(/^[A-Z_]+: /m)]);
  return { path, folder, batch: await readOutput(join(folder, 'out')) };
}

async function scoreAll(scorer: JobScorer, rows: readonly FeatureRow[], form: FeatureForm): Promise<RowScore[]> {
  const scores: RowScore[] = [];
  for (let from = 0; from < rows.length; from += 2500) {
    const part = rows.slice(from, from + 2500);
    const answer = await scorer.score({ rows: part, form, deadlineMs: 30_000, priority: 0, signal: null });
    scores.push(...answer.rows);
  }
  return scores;
}

const valuesOf = (scores: readonly RowScore[], name: string): unknown[] =>
  scores.map((s) => ('values' in s ? s.values[name] : s));
const column = (rows: readonly Row[], name: string): unknown[] => rows.map((r) => r[name]);

/** A row as a client sends it: through JSON, without what the model does not take; half of the nulls left out. */
function asJson(row: Row, names: readonly string[]): FeatureRow {
  const kept = names.filter((name, i) => row[name] !== null || i % 2 === 0).map((name) => [name, row[name] ?? null]);
  const text = JSON.stringify(Object.fromEntries(kept), (_, v) => (typeof v === 'bigint' ? Number(v) : v));
  return featureRow(JSON.parse(text));
}

/** A row as a Redis hash has it. */
function asHash(row: Row, names: readonly string[]): FeatureRow {
  return { names, values: names.map((name) => (row[name] === null ? '' : String(row[name]))) };
}

describe('live answers, the set and the batch agree', () => {
  it('10,000 flights with the large tree model, from JSON and from hashes, bit for bit', async () => {
    const model = join(fixtures, 'flights/delay_lgbm.onnx');
    const input = join(fixtures, 'flights/month=02/part-0.parquet');
    const { path, folder, batch } = await ranJob({
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: input },
      features: { input: { columns: FLIGHT_FEATURES } },
      outputs: FLIGHTS,
      execution: { scorers: 1 },
      predictions: { store: 'lmdb:set', set: 'flights', key: 'flight_id' },
    });
    const rows = (await readParquet(input)).slice(0, 10_000);
    const scorer = await liveJob(path, folder);
    expect(scorer.values).toEqual([
      { name: 'prediction', type: 'int64' },
      { name: 'probability', type: 'float32' },
    ]);
    const expected = batch.slice(0, 10_000);
    for (const [form, shape] of [
      ['json', asJson],
      ['text', asHash],
    ] as const) {
      const scores = await scoreAll(
        scorer,
        rows.map((row) => shape(row, FLIGHT_FEATURES)),
        form,
      );
      expect(valuesOf(scores, 'probability')).toEqual(column(expected, 'probability'));
      expect(valuesOf(scores, 'prediction')).toEqual(column(expected, 'prediction'));
    }
    const store = new LmdbStore(join(folder, 'set'));
    const keys = rows.map((row) => String(row['flight_id']));
    const cached = await new PredictionReader(store, 'flights').getMany(keys);
    await store.close();
    expect(cached.map((one) => one?.values['probability'])).toEqual(column(expected, 'probability'));
  });

  it('8,192 vectors with the perceptron, bit for bit', async () => {
    const model = join(fixtures, 'models/delay_mlp.onnx');
    const input = join(fixtures, 'vectors/vector256_8192.parquet');
    const { path, folder, batch } = await ranJob({
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: input },
      execution: { scorers: 1 },
    });
    const scorer = await liveJob(path, folder);
    const [{ name = '' } = {}] = scorer.features;
    const rows = (await readParquet(input)).map((row) => featureRow({ [name]: Array.from(row[name] as number[]) }));
    const scores = await scoreAll(scorer, rows, 'json');
    expect(valuesOf(scores, 'score')).toEqual(column(batch, 'score'));
  });

  it('10,000 flights with texts and numbers, bit for bit', async () => {
    const model = join(fixtures, 'models/delay_mixed.onnx');
    const { path, folder, batch } = await ranJob({
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: join(fixtures, 'mixed/month=*/part-0.parquet') },
      rejects: { limit: '100%' },
    });
    const scorer = await liveJob(path, folder);
    const names = scorer.features.map((f) => f.name);
    const months = ['01', '02'].map((month) => readParquet(join(fixtures, `mixed/month=${month}/part-0.parquet`)));
    const source = (await Promise.all(months)).flat().slice(0, 10_000);
    expect(source.length).toBe(10_000);
    const rows = source.map((row) => asJson(row, names));
    const scores = await scoreAll(scorer, rows, 'json');
    const byId = new Map(batch.map((row) => [row['flight_id'], row]));
    const far: unknown[] = [];
    let scored = 0;
    source.forEach((row, i) => {
      const [score, expected] = [scores[i]!, byId.get(row['flight_id'])];
      if ('values' in score !== (expected !== undefined)) far.push([row, score, expected]);
      if (!('values' in score) || expected === undefined) return;
      scored++;
      for (const [name, value] of Object.entries(score.values)) {
        const [a, b] = [numbersOf(value), numbersOf(expected[name])];
        if (a.length !== b.length || a.some((v, k) => !Object.is(v, b[k]))) far.push([name, value, b]);
      }
    });
    expect(far).toEqual([]);
    expect(scored).toBeGreaterThan(8000);
  });
});

function numbersOf(value: unknown): number[] {
  return Array.isArray(value) || ArrayBuffer.isView(value) ? Array.from(value as number[], Number) : [Number(value)];
}
