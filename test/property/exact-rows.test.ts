import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { featureRow, type JobScorer, type RowScore } from '../../src/base/contract/job-scorer.ts';
import { seeded } from '../../src/model/elements/seeded.ts';
import { LmdbStore } from '../../src/sets/lmdb/lmdb-store.ts';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { prescore } from '../harness/cli.ts';
import { liveJob } from '../harness/live-job.ts';
import { readOutput, readParquet } from '../harness/read-parquet.ts';
import { FLIGHT_FEATURES, fixtures, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

/*
 * A certified model gives a row the same bits whatever it is scored with: through runs of other batches, through the batcher of a server under
 * concurrent requests, and out of the published set.
 */
type Row = Record<string, unknown>;
const FLIGHTS = 'flights/month=02/part-0.parquet';
const LABELS = { prediction: { tensor: 'label' }, probability: { tensor: 'probabilities', index: 1 } };
const NUMBERS = 'month dow hour dep_min distance origin_hour_load temp humid wind_speed precip pressure visib'.split(
  ' ',
);
/** Rows that are asked for live. */
const ASKED = 400;

const CASES: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
  ['models/delay_histgb.onnx', FLIGHTS, { features: { input: { columns: FLIGHT_FEATURES } }, outputs: LABELS }],
  ['flights/delay_lgbm.onnx', FLIGHTS, { features: { input: { columns: FLIGHT_FEATURES } }, outputs: LABELS }],
  ['models/delay_mlp.onnx', 'vectors/vector256_8192.parquet', {}],
  ['models/delay_mixed.onnx', 'mixed/month=01/part-0.parquet', { rejects: { limit: '100%' } }],
  [
    'certify/onehot_logistic.onnx',
    'mixed/month=01/part-0.parquet',
    { features: { numbers: NUMBERS, carrier: 'carrier' }, outputs: LABELS, rejects: { limit: '100%' } },
  ],
  [
    'certify/logarithms.onnx',
    FLIGHTS,
    { features: { x: ['dest_lat', 'dest_lon', 'dest_alt'] }, rejects: { limit: '100%' } },
  ],
];

/** Asks for all rows in requests of random sizes and order, many at once. */
async function askAtRandom(
  scorer: JobScorer,
  rows: readonly Row[],
  random: () => number,
): Promise<Map<unknown, RowScore>> {
  const names = scorer.features.map(({ name }) => name);
  const open = [...rows].sort(() => random() - 0.5);
  const answers = new Map<unknown, RowScore>();
  const asking: Promise<void>[] = [];
  while (open.length > 0) {
    const part = open.splice(0, 1 + Math.floor(random() ** 3 * 90));
    const features = part.map((row) => featureRow(asJson(row, names)));
    const request = { rows: features, form: 'json', deadlineMs: 60_000, priority: 0, signal: null } as const;
    const ask = async (): Promise<void> => {
      const { rows: scores } = await scorer.score(request);
      for (const [i, score] of scores.entries()) answers.set(part[i]!['flight_id'], score);
    };
    asking.push(ask());
    if (random() < 0.2) await Promise.all(asking.splice(0));
  }
  await Promise.all(asking);
  return answers;
}

function asJson(row: Row, names: readonly string[]): Row {
  const plain = (_: string, value: unknown): unknown =>
    typeof value === 'bigint' ? Number(value) : ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
  return JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, row[name] ?? null])), plain)) as Row;
}

const bits = (value: unknown): unknown => (ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value);

describe('a row gets the same bits', () => {
  it.each(CASES)('%s', async (name, data, how) => {
    const random = seeded(name.length);
    const model = join(fixtures, name);
    const input = join(fixtures, data);
    const runs: { folder: string; path: string; rows: Map<unknown, Row> }[] = [];
    for (const batchRows of [4096, 1 + Math.floor(random() * 700)]) {
      const folder = tempFolder();
      const path = writeJob(folder, {
        model: { uri: model, sha256: sha256Of(model) },
        ...{ input: { uri: input }, id: ['flight_id'], output: { uri: join(folder, 'out') } },
        execution: { scorers: 1, batchRows, exact: 'require' },
        predictions: { store: 'lmdb:set', set: 'rows', key: 'flight_id' },
        ...how,
      });
      const { code, stderr } = await prescore(['run', path]);
      expect([code, stderr]).toEqual([expect.toBeOneOf([0, 3]), expect.not.stringMatching(/^[A-Z_]+: /m)]);
      const rows = await readOutput(join(folder, 'out'));
      runs.push({ folder, path, rows: new Map(rows.map((row) => [row['flight_id'], row])) });
    }
    const [first, second] = [runs[0]!, runs[1]!];
    expect(second.rows.size).toBe(first.rows.size);
    const differing = [...first.rows].filter(([id, row]) =>
      Object.entries(row).some(([column, value]) => !isSame(value, second.rows.get(id)?.[column])),
    );
    expect(differing).toEqual([]);

    const source = (await readParquet(input)).filter((row) => first.rows.has(row['flight_id']));
    const asked = source.sort(() => random() - 0.5).slice(0, ASKED);
    const scorer = await liveJob(first.path, first.folder);
    const columns = scorer.values.map(({ name: column }) => column);
    const store = new LmdbStore(join(first.folder, 'set'));
    const reader = new PredictionReader(store, 'rows');
    const kept = await reader.getMany(asked.map((row) => String(row['flight_id'])));
    await store.close();
    const answers = await askAtRandom(scorer, asked, random);
    const far = asked.flatMap((row, i) => {
      const id = row['flight_id'];
      const [batch, live, cached] = [first.rows.get(id)!, answers.get(id)!, kept[i]];
      if (!('values' in live)) return [[id, live]];
      return columns
        .filter((c) => !isSame(batch[c], live.values[c]) || !isSame(batch[c], cached?.values[c]))
        .map((c) => [id, c, bits(batch[c]), bits(live.values[c]), bits(cached?.values[c])]);
    });
    expect(far).toEqual([]);
    const plan = JSON.parse(readFileSync(planOf(first.folder), 'utf8')) as { exact?: { policy: string } };
    expect(plan.exact?.policy).toBeOneOf(['plain', 'pad8', 'pad16', 'tiles64']);
  });
});

function planOf(folder: string): string {
  const runs = join(folder, 'out/_prescore/runs');
  return join(runs, readdirSync(runs)[0]!, 'plan.json');
}

function isSame(a: unknown, b: unknown): boolean {
  const [left, right] = [bits(a), bits(b)];
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((value, i) => Object.is(value, right[i]));
  return Object.is(left, right);
}
