import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ContactCase, walkContact } from '../../scripts/prove/first-contact.ts';
import { runPython } from '../harness/python.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { fixtures } from '../harness/temp-job.ts';

/*
 * The short form of `npm run prove -- first-contact`: the same walk over models that are there. The seed says which tool wrote the
 * table.
 */
const SEED = Number(process.env['PRESCORE_TEST_SEED'] ?? 1);
const contact = join(fixtures, 'first-contact');
const TABLES = [
  'pandas.parquet',
  'polars.parquet',
  'polars.arrow',
  'duckdb.parquet',
  'pyarrow.parquet',
  'other.csv',
  'other.jsonl',
];
const expected = JSON.parse(readFileSync(join(contact, 'expected.json'), 'utf8')) as Record<
  string,
  ContactCase['answers']
>;
const lines = readFileSync(join(contact, 'tables/other.jsonl'), 'utf8').trim().split('\n');
const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);

function trained(name: string, place: number, edits: number): ContactCase {
  const table = TABLES[(SEED + place) % TABLES.length]!;
  return {
    name,
    model: join(contact, `models/${name}.onnx`),
    table: join(contact, 'tables', table),
    tool: table,
    key: 'customer_id',
    edits,
    keys: rows.map((row) => Number(row['customer_id'])),
    first: rows[0]!,
    answers: expected[name]!,
  };
}

describe('from a model and a table to answers', () => {
  const made = suiteFolder();
  beforeAll(() => runPython('make_sequences.py', [made]), 60_000);

  it.each([
    ['columns', 0, 0],
    ['lightgbm', 2, 1],
  ])(
    '%s, unedited or by one edit',
    async (name, place, edits) => {
      const { faults } = await walkContact(trained(name, place, edits), join(made, name));
      expect(faults).toEqual([]);
    },
    60_000,
  );

  it('an encoder over lists of any length', async () => {
    const all = JSON.parse(readFileSync(join(made, 'expected.json'), 'utf8')) as {
      plain: ({ score: number[]; embedding: number[] } | null)[];
    };
    const table = readFileSync(join(made, 'rows.jsonl'), 'utf8').trim().split('\n');
    const kept = table.map((line) => JSON.parse(line) as Record<string, unknown>);
    const answers = { score: all.plain.map((row) => row?.score), embedding: all.plain.map((row) => row?.embedding) };
    const { faults } = await walkContact(
      {
        name: 'plain',
        model: join(made, 'plain.onnx'),
        table: join(made, 'good.parquet'),
        tool: 'pyarrow',
        key: 'row_id',
        edits: 0,
        flags: ['--exclude', 'steps,history,basket,age'],
        keys: kept.map((row) => Number(row['row_id'])).slice(11),
        first: kept[11]!,
        answers: { score: answers.score.slice(11), embedding: answers.embedding.slice(11) },
      },
      join(made, 'plain'),
    );
    expect(faults).toEqual([]);
  }, 60_000);
});
