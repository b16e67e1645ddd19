import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { kindsJob } from '../harness/kinds-job.ts';
import { modelFolder } from '../harness/model-files.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { writeJob } from '../harness/temp-job.ts';

/*
 * Every element type and every shape of a feed. Expected values: Python's ONNX Runtime of the same version, exactly equal.
 */
type Expected = Readonly<Record<string, readonly unknown[]>>;

describe('types and shapes of feeds and outputs', () => {
  let rows: readonly Record<string, unknown>[] = [];
  let expected: Expected = {};
  const folder = suiteFolder();

  beforeAll(async () => {
    const models = await modelFolder();
    expected = (JSON.parse(readFileSync(join(models, 'expected.json'), 'utf8')) as { types: Expected }).types;
    const job = writeJob(folder, kindsJob(models, join(folder, 'out')));
    const result = await prescore(['run', job]);
    expect(result.stderr).not.toMatch(/^[A-Z_]+: /m);
    expect(result.code).toBe(0);
    rows = await readOutput(join(folder, 'out'));
  });

  const column = (name: string): unknown[] => rows.map((row) => plain(row[name]));
  const tensor = (name: string): unknown[] => expected[name]!.map(single);
  const second = (values: readonly unknown[]): unknown[] => values.map((value) => (value as unknown[])[1]);
  const bestOf = (name: string): number[] =>
    expected[name]!.map((row) => (row as number[]).indexOf(Math.max(...(row as number[]))));

  it('gives one row for each of the 1,037, in order', () => {
    expect(column('id')).toEqual(Array.from({ length: 1037 }, (_, i) => String(i)));
  });

  it.each(['i8', 'i16', 'i32', 'i64'])('feeds %s as [N] and writes it', (name) => {
    expect(column(name)).toEqual(tensor(`${name}_out`));
  });

  it.each(['u8', 'u16', 'u32', 'u64'])('feeds %s as [N, 1] and writes it', (name) => {
    expect(column(name)).toEqual(tensor(`${name}_out`));
  });

  it('feeds and writes half floats: [N, 3] as a list column, one element of it, [N, 1], and from a list', () => {
    expect(column('half_square')).toEqual(tensor('half_square'));
    expect(column('half_second')).toEqual(second(tensor('half_square')));
    expect(column('half_sum')).toEqual(tensor('half_sum'));
    expect(column('half_list_sum')).toEqual(tensor('half_list_sum'));
  });

  it('feeds and writes doubles and booleans', () => {
    expect(column('double_sum')).toEqual(tensor('double_sum'));
    expect(column('not_flag')).toEqual(tensor('not_flag'));
  });

  it('feeds texts as [N] and [N, 2]; writes a text tensor and one element of a wider one', () => {
    expect(column('text')).toEqual(tensor('text_out'));
    expect(column('second_word')).toEqual(second(tensor('words_out')));
  });

  it('feeds [N, 2, 3] from six columns, row-major', () => {
    expect(column('cube_sums')).toEqual(tensor('cube_sums'));
  });

  it('feeds a list column, a scalar constant, a constant with a batch axis and one of fixed length', () => {
    expect(column('list_scaled')).toEqual(tensor('list_scaled'));
    expect(column('as_int8')).toEqual(tensor('as_int8'));
  });

  it('takes the position of the largest element, or its label: text, whole number, fraction', () => {
    const best = bestOf('list_scaled');
    expect(column('best')).toEqual(best.map(String));
    expect(column('best_index')).toEqual(best);
    expect(column('best_text')).toEqual(best.map((i) => 'abcdef'[i]));
    expect(column('best_number')).toEqual(best.map((i) => String(10 * (i + 1))));
    expect(column('best_fraction')).toEqual(bestOf('half_square').map((i) => i + 0.5));
  });
});

// 64-bit integers as text: JSON has no room for them.
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return Array.isArray(value) ? value.map(plain) : value;
}

// [N, 1] is one value a row.
function single(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}
