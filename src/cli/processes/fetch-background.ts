import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { type Background, type BackgroundInput, MOST_BACKGROUND_ROWS } from '../../base/contract/background.ts';
import type { FeatureSpec, Job, NullPolicy } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { Duck, literalPath, parquetSource, quoteName } from '../../data/duckdb/duckdb.ts';

const MEMORY_BYTES = 256 * 2 ** 20;
const MOST_FILE_BYTES = 2 ** 28;
const NUMBERS = /^(?:BOOLEAN|U?(?:TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const TEXTS = /^(?:VARCHAR|ENUM\(.*\))$/;

/**
 * Reads the background of a job's model, as its features are fed. `scratchDir`: for its file and for DuckDB.
 *
 * Errors: INPUT_NOT_FOUND, MODEL_CHECKSUM, INPUT_SCHEMA naming the column, those of the store and of DuckDB.
 */
export async function fetchBackground(
  background: NonNullable<Job['model']['background']>,
  features: Job['features'],
  stores: StoreResolver,
  scratchDir: string,
): Promise<Background> {
  const { store, key, uri } = stores.at(background.uri);
  const found = await store.get(key, { maxBytes: MOST_FILE_BYTES });
  if (found === null) throw new PrescoreError('INPUT_NOT_FOUND', { what: 'the background is not there', where: uri });
  const sha256 = createHash('sha256').update(found.bytes).digest('hex');
  if (sha256 !== background.sha256)
    throw new PrescoreError('MODEL_CHECKSUM', {
      what: 'the background is another file than the job pins',
      where: `${uri}, model.background.sha256`,
      expected: background.sha256,
      got: sha256,
    });
  const folder = await mkdtemp(join(scratchDir, 'background-'));
  const path = join(folder, 'rows.parquet');
  writeFileSync(path, found.bytes);
  const duck = await Duck.open({ memoryBytes: MEMORY_BYTES, scratchDir: folder, scratchBytes: 2 ** 30 });
  try {
    return await readTable(duck, parquetSource(literalPath(path)), features, uri);
  } finally {
    duck.close();
  }
}

async function readTable(duck: Duck, source: string, features: Job['features'], uri: string): Promise<Background> {
  const types = new Map((await duck.describe(`select * from ${source}`)).map(({ name, type }) => [name, type]));
  const specs = features === null ? everyColumn(types) : Object.entries(features);
  const refuse = (column: string, expected: string, got: string): never => {
    const what = `model.background: column ${JSON.stringify(column)} cannot be used`;
    throw new PrescoreError('INPUT_SCHEMA', { what, where: uri, expected, got });
  };
  const names = [...new Set(specs.flatMap(([, spec]) => (spec.kind === 'columns' ? spec.columns : [])))];
  const columns = names.map((name) => {
    const type = types.get(name) ?? refuse(name, 'a column of the background', 'none');
    if (!NUMBERS.test(type) && !TEXTS.test(type)) refuse(name, 'numbers or texts', type);
    return `${quoteName(name)}::${TEXTS.test(type) ? 'VARCHAR' : 'DOUBLE'}`;
  });
  const rows =
    columns.length === 0
      ? []
      : await duck.rows(`select ${columns.join(', ')} from ${source} limit ${MOST_BACKGROUND_ROWS + 1}`);
  if (rows.length === 0 || rows.length > MOST_BACKGROUND_ROWS)
    throw new PrescoreError('INPUT_SCHEMA', {
      what: 'model.background has too few or too many rows',
      where: uri,
      expected: `1 to ${MOST_BACKGROUND_ROWS}`,
      got: rows.length === 0 ? 'none' : 'more',
      fix: 'Take a sample of the training rows.',
    });
  const valuesOf = (name: string, nulls: NullPolicy | null): unknown[] =>
    rows.map((row) => {
      const value = row[names.indexOf(name)];
      if (value !== null) return value;
      return nulls === 'reject'
        ? refuse(name, 'no nulls', 'a null')
        : typeof nulls === 'object'
          ? (nulls?.fill ?? null)
          : null;
    });
  const inputs = specs.map(([tensor, spec]): [string, BackgroundInput] => {
    if (spec.kind !== 'columns') return refuse(tensor, 'inputs that columns feed', spec.kind);
    return [
      tensor,
      inputOf(
        spec.columns.map((name) => valuesOf(name, spec.nulls)),
        rows.length,
        spec.columns.some((name) => TEXTS.test(types.get(name) ?? '')),
      ),
    ];
  });
  return { rows: rows.length, inputs: Object.fromEntries(inputs) };
}

// Without `features` the model's inputs are found by name; columns that cannot be any are not read.
function everyColumn(types: ReadonlyMap<string, string>): [string, FeatureSpec][] {
  return [...types]
    .filter(([, type]) => NUMBERS.test(type) || TEXTS.test(type))
    .map(([name]) => [name, { kind: 'columns', columns: [name], nulls: null }]);
}

// Texts are told by their columns: of a few rows all may be null.
function inputOf(columns: readonly (readonly unknown[])[], rows: number, isText: boolean): BackgroundInput {
  const width = columns.length;
  const all = Array.from({ length: rows * width }, (_, i) => columns[i % width]![Math.floor(i / width)]);
  if (isText || all.some((value) => typeof value === 'string'))
    return { width, texts: all.map((value) => (value === null ? null : String(value))) };
  const numbers = Float64Array.from(all, (value) => (value === null ? Number.NaN : Number(value)));
  return { width, numbers: Buffer.from(numbers.buffer).toString('base64') };
}
