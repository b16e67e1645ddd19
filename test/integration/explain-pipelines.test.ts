import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadModel } from '../../src/model/engine/load-model.ts';
import { prescore } from '../harness/cli.ts';
import { queryParquet } from '../harness/query-parquet.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { fixtures, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';
import { trainerCase } from '../harness/trainer-cases.ts';

/*
 * Pipelines around trees (test/python/tree_pipelines.py): what is before the trees is left to ONNX Runtime, also for the background.
 */
type Row = Record<string, unknown>;

async function pipelineJob(name: string, outputs: Row, features?: Row): Promise<{ path: string; folder: string }> {
  const folder = tempFolder();
  const table = join(folder, 'table.parquet');
  const background = join(folder, 'background.parquet');
  const seed = join(fixtures, 'flights/month=01/part-0.parquet');
  const columns = `(random() * 4 - 2)::float a, (random() * 4 - 2)::float c, (random() * 4 - 2)::float d, (random() * 4 - 2)::float b,
    case when random() < 0.5 then 'Ulm' else 'Oslo' end city`;
  await queryParquet(
    seed,
    `copy (select row_number() over () id, ${columns} from t limit 200) to '${table}' (format parquet)`,
  );
  await queryParquet(table, `copy (select * from t limit 15) to '${background}' (format parquet)`);
  const model = join(fixtures, 'tree-pipelines', `${name}.onnx`);
  const path = writeJob(folder, {
    model: { uri: model, sha256: sha256Of(model), background: { uri: background, sha256: sha256Of(background) } },
    input: { uri: table },
    ...(features === undefined ? {} : { features }),
    outputs,
    id: ['id'],
    output: { uri: join(folder, 'out') },
  });
  return { path, folder };
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

it('columns that are scaled and joined keep their names, in the order of the trees', async () => {
  const outputs = { v: 'variable', why: { explain: 'contributions' }, reasons: { explain: 'top', count: 3 } };
  const { path, folder } = await pipelineJob('joined_columns', outputs);
  expect(await prescore(['run', path])).toMatchObject({ code: 0 });
  for (const row of await readOutput(join(folder, 'out'))) {
    const why = row['why'] as number[];
    expect(sumOf(why)).toBeCloseTo(Number(row['v']), 4);
    // a is twice what is learnt, d once, c nothing: the trees have c, a, d.
    const named = Object.fromEntries(['c', 'a', 'd'].map((name, i) => [name, why[i]]));
    const reasons = row['reasons'] as string[];
    expect([...reasons].sort()).toEqual(['a', 'c', 'd']);
    expect(row['reasons_contributions']).toEqual(reasons.map((name) => named[name]));
  }
});

it('of several classes the answered one is explained, by the names of the columns', async () => {
  const outputs = {
    label: 'label',
    probabilities: 'probabilities',
    why: { explain: 'contributions' },
    reasons: { explain: 'top', count: 4 },
  };
  const { path, folder } = await pipelineJob('scaled_forest', outputs, { X: { columns: ['a', 'b', 'c', 'd'] } });
  expect(await prescore(['run', path])).toMatchObject({ code: 0 });
  for (const row of await readOutput(join(folder, 'out'))) {
    const why = row['why'] as number[];
    const [label, probabilities] = [Number(row['label']), row['probabilities'] as number[]];
    const own = why.slice(label * 5, label * 5 + 5);
    expect(sumOf(own)).toBeCloseTo(probabilities[label]!, 5);
    const reasons = row['reasons'] as string[];
    expect(row['reasons_contributions']).toEqual(reasons.map((name) => own['abcd'.indexOf(name)]));
  }
});

it('features without honest names are given by their places, and refused by name where names are asked for', async () => {
  const all = { v: 'variable', why: { explain: 'contributions' } };
  const { path, folder } = await pipelineJob('one_hot', all);
  expect(await prescore(['run', path])).toMatchObject({ code: 0 });
  for (const row of await readOutput(join(folder, 'out')))
    expect(sumOf(row['why'] as number[])).toBeCloseTo(Number(row['v']), 4);
  const named = await pipelineJob('one_hot', { reasons: { explain: 'top' } });
  const { code, stderr } = await prescore(['check', named.path]);
  expect([code, stderr]).toEqual([5, expect.stringMatching(/SIGNATURE_MISMATCH.*no names.*explain: contributions/s)]);
});

it('columns that are picked out of one input keep their names, also where the trees ask for the first of them alone', async () => {
  for (const [name, names] of [
    ['picked_columns', ['b', 'a', 'd', 'c']],
    ['open_width', ['a', 'c', 'd', 'b']],
  ] as const) {
    const outputs = { why: { explain: 'contributions' }, reasons: { explain: 'top', count: 9 } };
    const { path, folder } = await pipelineJob(name, outputs, { X: { columns: ['a', 'c', 'd', 'b'] } });
    expect(await prescore(['run', path])).toMatchObject({ code: 0 });
    for (const row of await readOutput(join(folder, 'out'))) {
      const why = row['why'] as number[];
      expect(why).toHaveLength(5);
      const values = row['reasons_contributions'] as number[];
      const told = Object.fromEntries((row['reasons'] as string[]).map((feature, i) => [feature, values[i]]));
      expect(names.map((feature) => told[feature])).toEqual(why.slice(0, 4));
      // They are trained to answer with the first value.
      expect(Math.abs(told['a']!)).toBeGreaterThan(0);
    }
  }
});

it('a column that the trees get twice has no contribution of its own', async () => {
  const features = { X: { columns: ['a', 'c', 'd', 'b'] } };
  const { path } = await pipelineJob('column_twice', { reasons: { explain: 'top' } }, features);
  const { code, stderr } = await prescore(['check', path]);
  expect([code, stderr]).toEqual([5, expect.stringMatching(/SIGNATURE_MISMATCH.*no names.*explain: contributions/s)]);
});

it('a background whose only text is null explains beside a missing category', async () => {
  const folder = tempFolder();
  const table = join(folder, 'table.parquet');
  const background = join(folder, 'background.parquet');
  const { model, file } = trainerCase('lightgbm_pandas');
  const path = join(folder, file);
  writeFileSync(path, model);
  const { session } = await loadModel(model, null, { intraOpThreads: 1, device: 'cpu', trees: 'auto' }, file);
  const columns = session.signature.inputs.map(({ name, type }) =>
    type === 'string' ? `null::varchar "${name}"` : `random() "${name}"`,
  );
  expect(columns.join()).toContain('varchar');
  const seed = join(fixtures, 'flights/month=01/part-0.parquet');
  const rows = `select row_number() over () row_id, ${columns.join(', ')} from t`;
  await queryParquet(seed, `copy (${rows} limit 20) to '${table}' (format parquet)`);
  await queryParquet(table, `copy (select * from t limit 1) to '${background}' (format parquet)`);
  const job = writeJob(folder, {
    model: { uri: path, sha256: sha256Of(path), background: { uri: background, sha256: sha256Of(background) } },
    input: { uri: table },
    outputs: { raw: 'raw', why: { explain: 'contributions' } },
    id: ['row_id'],
    output: { uri: join(folder, 'out') },
  });
  expect(await prescore(['run', job])).toMatchObject({ code: 0 });
  for (const row of await readOutput(join(folder, 'out')))
    expect(sumOf(row['why'] as number[])).toBeCloseTo(Number(row['raw']), 9);
});

it('a background that lacks a column is refused by its name', async () => {
  const { folder } = await pipelineJob('joined_columns', { why: { explain: 'contributions' } });
  const short = join(folder, 'short.parquet');
  await queryParquet(join(folder, 'table.parquet'), `copy (select a, d from t limit 5) to '${short}' (format parquet)`);
  const model = join(fixtures, 'tree-pipelines/joined_columns.onnx');
  const job = writeJob(folder, {
    model: { uri: model, sha256: sha256Of(model), background: { uri: short, sha256: sha256Of(short) } },
    input: { uri: join(folder, 'table.parquet') },
    outputs: { why: { explain: 'contributions' } },
    output: { uri: join(folder, 'other') },
  });
  const { stderr } = await prescore(['check', job]);
  expect(stderr).toMatch(/INPUT_SCHEMA.*background.*"c"/);
});
