import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { liveJob } from '../harness/live-job.ts';
import { queryParquet } from '../harness/query-parquet.ts';
import { readOutput, readParquet } from '../harness/read-parquet.ts';
import { writeRowTable } from '../harness/row-table.ts';
import { FLIGHT_FEATURES, fixtures, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';
import { type TrainerCase, trainerCase } from '../harness/trainer-cases.ts';

/*
 * Reason codes from end to end: what a run writes, a sample shows, a set answers and a live row gets.
 */
type Row = Record<string, unknown>;
const REASONS = { reasons: { explain: 'top', count: 3 }, why: { explain: 'contributions' } };

function placed({ name, file, model }: TrainerCase, folder: string): Row {
  const path = join(folder, `${name}-${file}`);
  writeFileSync(path, model);
  return { uri: path, sha256: sha256Of(path) };
}

describe.each(['xgboost_softprob', 'lightgbm_binary'])('%s', (name) => {
  it('contributions are those of the trainer, in a run, a sample and live; reasons are the largest of the class', async () => {
    const one = trainerCase(name);
    const { data, shape } = one.arrays['explained']!;
    const folder = tempFolder();
    const table = join(folder, 'in.parquet');
    const names = Array.from({ length: shape[1]! }, (_, i) => `c${i}`);
    await writeRowTable(table, names, data);
    const path = writeJob(folder, {
      model: placed(one, folder),
      input: { uri: table },
      features: { input: { columns: names } },
      outputs: { prediction: 'prediction', leaf: 'leaf', ...REASONS, second: { explain: 'top', count: 100, index: 0 } },
      id: ['id'],
      output: { uri: join(folder, 'out') },
      predictions: { store: 'lmdb:set', set: 'reasons', key: 'id' },
    });
    const sample = await prescore(['run', path, '--sample', '2']);
    expect([sample.code, sample.stdout]).toEqual([0, expect.stringContaining('reasons_contributions')]);
    expect(await prescore(['run', path])).toMatchObject({ code: 0 });
    const rows = await readOutput(join(folder, 'out'));
    const expected = one.arrays['contributions']!;
    const width = expected.shape[1]!;
    const tolerance = expected.data instanceof Float32Array ? 1e-5 : 1e-9;
    expect(rows).toHaveLength(shape[0]!);
    for (const row of rows) {
      const why = row['why'] as number[];
      expect(why).toHaveLength(width);
      why.forEach((value, i) => {
        expect(Math.abs(value - expected.data[Number(row['id']) * width + i]!)).toBeLessThan(tolerance);
      });
      const classes = width / (names.length + 1);
      const from = classes === 1 ? 0 : Number(row['prediction']) * (names.length + 1);
      expect([row['reasons'], row['reasons_contributions']]).toEqual(largest(why, from, names, 3));
      expect([row['second'], row['second_contributions']]).toEqual(largest(why, 0, names, names.length));
    }
    const scorer = await liveJob(path, folder);
    // As texts, which is how streams and hashes have them: JSON has no infinities.
    const asked = (await readParquet(table)).map((row) => ({
      names,
      values: names.map((column) => (row[column] === null ? '' : String(row[column]))),
    }));
    const live = await scorer.score({ rows: asked, form: 'text', deadlineMs: 30_000, priority: 0, signal: null });
    expect(live.rows.map((score) => ('values' in score ? { ...score.values } : score))).toEqual(
      rows.map(({ id: _, ...values }) => values),
    );
    const found = await prescore(['lookup', '--job', path, '1', '--json']);
    expect(JSON.parse(found.stdout)).toMatchObject({ values: { reasons: rows[1]!['reasons'], why: rows[1]!['why'] } });
  });
});

function largest(why: readonly number[], from: number, names: readonly string[], count: number): [string[], number[]] {
  const sorted = names
    .map((feature, i): [string, number] => [feature, why[from + i]!])
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, count);
  return [sorted.map(([feature]) => feature), sorted.map(([, value]) => value)];
}

it('features that have names in the model are called by them, whatever columns feed them', async () => {
  const folder = tempFolder();
  const model = join(fixtures, 'first-contact/foreign/lightgbm.txt');
  const path = writeJob(folder, {
    model: { uri: model, sha256: sha256Of(model) },
    input: { uri: join(fixtures, 'first-contact/tables/pandas.parquet') },
    features: { age: 'age', income: 'income', score: 'income', height: 'height' },
    outputs: REASONS,
    id: ['customer_id'],
    output: { uri: join(folder, 'out') },
  });
  expect(await prescore(['run', path])).toMatchObject({ code: 0 });
  const [row] = await readOutput(join(folder, 'out'));
  expect([...(row!['reasons'] as string[])].sort()).toEqual(expect.arrayContaining(['age', 'income']));
});

describe('beside a background', () => {
  const flights = join(fixtures, 'flights/month=01/part-0.parquet');

  async function backgroundOf(folder: string, rows: number): Promise<Row> {
    const columns = FLIGHT_FEATURES.map((name) => `"${name}"`).join(', ');
    const path = join(folder, 'background.parquet');
    await queryParquet(flights, `copy (select ${columns} from t limit ${rows}) to '${path}' (format parquet)`);
    return { uri: path, sha256: sha256Of(path) };
  }

  function flightsJob(folder: string, model: Row, more: Row = {}): string {
    return writeJob(folder, {
      model,
      input: { uri: flights },
      where: 'day = 3',
      features: { input: { columns: FLIGHT_FEATURES } },
      outputs: { probability: { tensor: 'probabilities', index: 1 }, ...REASONS },
      id: ['flight_id'],
      output: { uri: join(folder, 'out') },
      ...more,
    });
  }
  const ONNX = join(fixtures, 'models/delay_histgb.onnx');
  const onnx = { uri: ONNX, sha256: sha256Of(ONNX) };

  it('trees in ONNX are explained, by the names of the columns, and add up to their scores', async () => {
    const folder = tempFolder();
    const path = flightsJob(folder, { ...onnx, background: await backgroundOf(folder, 20) });
    expect(await prescore(['run', path])).toMatchObject({ code: 0 });
    const rows = await readOutput(join(folder, 'out'));
    expect(rows.length).toBeGreaterThan(100);
    for (const row of rows) {
      const why = row['why'] as number[];
      expect(why).toHaveLength(FLIGHT_FEATURES.length + 1);
      const raw = why.reduce((sum, one) => sum + one, 0);
      expect(1 / (1 + Math.exp(-raw))).toBeCloseTo(Number(row['probability']), 5);
      expect([row['reasons'], row['reasons_contributions']]).toEqual(largest(why, 0, FLIGHT_FEATURES, 3));
    }
    const scorer = await liveJob(
      flightsJob(folder, { ...onnx, background: await backgroundOf(folder, 20) }, { where: undefined }),
      folder,
    );
    const asked = (await readParquet(flights)).find((row) => row['flight_id'] === rows[0]!['flight_id'])!;
    const values = FLIGHT_FEATURES.map((name) => asked[name] ?? null);
    const live = await scorer.score({
      rows: [{ names: FLIGHT_FEATURES, values }],
      form: 'json',
      deadlineMs: 30_000,
      priority: 0,
      signal: null,
    });
    expect(live.rows[0]).toMatchObject({ values: { why: rows[0]!['why'], reasons: rows[0]!['reasons'] } });
  });

  it('another background is another result; one that is not what the job pins, or too long, is refused', async () => {
    const folder = tempFolder();
    const first = flightsJob(folder, { ...onnx, background: await backgroundOf(folder, 5) });
    expect(await prescore(['run', first])).toMatchObject({ code: 0 });
    const pinned = await backgroundOf(folder, 6);
    const again = await prescore(['run', flightsJob(folder, { ...onnx, background: pinned })]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/RUN_OTHER_DEFINITION.*differs in model/)]);
    await backgroundOf(folder, 7);
    const changed = await prescore(['check', flightsJob(folder, { ...onnx, background: pinned })]);
    expect(changed.stderr).toMatch(/MODEL_CHECKSUM.*background/);
    const long = await prescore([
      'check',
      flightsJob(folder, { ...onnx, background: await backgroundOf(folder, 101) }),
    ]);
    expect(long.stderr).toMatch(/INPUT_SCHEMA.*too few or too many rows.*1 to 100/);
  });

  it('without one, trees in ONNX are not explained, and it says what to give', async () => {
    const folder = tempFolder();
    const { code, stderr } = await prescore(['check', flightsJob(folder, onnx)]);
    expect([code, stderr]).toEqual([5, expect.stringMatching(/SIGNATURE_MISMATCH.*model\.background/)]);
  });
});

describe('what cannot be explained is refused by name', () => {
  const job = (folder: string, model: string, outputs: Row): string =>
    writeJob(folder, {
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: join(fixtures, 'flights/month=01/part-0.parquet') },
      outputs,
      id: ['flight_id'],
      output: { uri: join(folder, 'out') },
    });

  it('a model that is no trees', async () => {
    const folder = tempFolder();
    const { code, stderr } = await prescore(['check', job(folder, join(fixtures, 'models/delay_mlp.onnx'), REASONS)]);
    expect([code, stderr]).toEqual([5, expect.stringMatching(/SIGNATURE_MISMATCH.*reasons.*explain/)]);
  });

  it('keys that have no meaning together, and names that are taken', async () => {
    const folder = tempFolder();
    const bad = {
      a: { explain: 'contributions', count: 2 },
      b: { explain: 'top', argmax: true },
      b_contributions: 'x',
    };
    const { stderr } = await prescore(['check', job(folder, join(fixtures, 'models/delay_mlp.onnx'), bad)]);
    expect(stderr).toMatch(/outputs\.b\.argmax.*no meaning/);
    const taken = { b: { explain: 'top' }, b_contributions: 'x', a: { explain: 'contributions', count: 2 } };
    const again = await prescore(['check', job(folder, join(fixtures, 'models/delay_mlp.onnx'), taken)]);
    expect(again.stderr).toMatch(/outputs\.b_contributions.*two columns of one name/s);
    expect(again.stderr).toMatch(/outputs\.a\.count.*no meaning without explain: top/);
  });
});
