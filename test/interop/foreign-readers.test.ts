import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openPredictions, type PredictionKey, type PredictionValue, type ValueColumn } from '../../src/index.ts';
import { elementOf } from '../../src/sets/prediction-set/value-types.ts';
import { type CanonicalText, type ColumnTexts, textsByHyparquet } from '../harness/canonical-texts.ts';
import { prescore } from '../harness/cli.ts';
import { runPython } from '../harness/python.ts';
import { partsOf } from '../harness/read-parquet.ts';
import { sha256Of, writeJob } from '../harness/temp-job.ts';

const KEYS: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  whole: ['whole'],
  big: ['big'],
  blob: ['blob'],
  composite: ['text', 'whole', 'big'],
};
const INTEGERS = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'];
const LISTS = ['float32', 'float64', 'int64', 'uint64', 'bool', 'string'].map((name) => `list_${name}`);
const PASSED = [...INTEGERS, 'float32', 'float64', 'flag', 'words', ...LISTS, 'pair'];
const PREDICTED = { p_float: 'float32', p_text: 'string', p_list: 'list', p_whole: 'int64' };
const VALUES = [...PASSED, ...Object.keys(PREDICTED)];

describe('clients that know only docs/prediction-sets.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prescore-foreign-'));
  const redisUrl = inject('redisUrl');
  const prefix = `foreign-${process.pid}`;
  const out = (name: string): string => join(folder, 'out', name);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A job over one of the tables; scored, and published where it has predictions. */
  function job(
    name: string,
    table: string,
    predictions: Readonly<Record<string, unknown>> | null,
    file = name,
  ): string {
    const model = join(folder, 'models/casts.onnx');
    return writeJob(
      folder,
      {
        name,
        model: { uri: model, version: '1', sha256: sha256Of(model) },
        input: { uri: join(folder, `data/${table}.parquet`) },
        features: { x: ['x'] },
        outputs: PREDICTED,
        id: ['text', 'whole', 'big', 'blob'],
        passthrough: PASSED,
        output: { uri: out(name) },
        execution: { scorers: 1 },
        ...(predictions === null ? {} : { predictions: { store: redisUrl, values: VALUES, ...predictions } }),
      },
      `${file}.yaml`,
    );
  }

  async function succeed(...args: string[]): Promise<readonly Record<string, unknown>[]> {
    const result = await prescore([...args, '--json']);
    expect(result.code, result.stderr).toBe(0);
    return result.events;
  }

  function spec(set: string, key: readonly string[], outputs: readonly string[], overlay = false) {
    return { set: `${prefix}-${set}`, key, values: VALUES, outputs: outputs.map(out), overlay };
  }

  async function checkByPython(
    ...specs: readonly ReturnType<typeof spec>[]
  ): Promise<Readonly<Record<string, number>>> {
    const printed = await runPython('check_predictions.py', [redisUrl, JSON.stringify(specs)]);
    const checked = JSON.parse(printed) as Record<string, { keys: number; differences: string[] }>;
    for (const [set, { differences }] of Object.entries(checked)) expect(differences, set).toEqual([]);
    return Object.fromEntries(Object.entries(checked).map(([set, { keys }]) => [set, keys]));
  }

  beforeAll(async () => {
    await Promise.all([
      runPython('prediction_tables.py', [join(folder, 'data')]),
      runPython('make_identity.py', [join(folder, 'models')]),
    ]);
    await succeed('run', job('all', 'all', null));
    for (const [set, key] of Object.entries(KEYS)) {
      const path = job('all', 'all', { set: `${prefix}-${set}`, key }, `publish-${set}`);
      const published = (await succeed('publish', path)).at(-1)!;
      const expected = set === 'text' ? [592, 6, 2] : set === 'composite' ? [598, 0, 2] : [600, 0, 0];
      expect([published['rows'], published['duplicates'], published['withoutKey']], set).toEqual(expected);
    }
  }, 300_000);

  it('read_predictions.py finds every key of every kind, with every value as Parquet has it', async () => {
    const keys = await checkByPython(...Object.entries(KEYS).map(([set, key]) => spec(set, key, ['all'])));
    expect(Object.values(keys)).toEqual([592, 600, 600, 600, 598]);
  }, 300_000);

  it('openPredictions finds the same', async () => {
    const texts = await textsByHyparquet(partsOf(out('all')));
    for (const [set, key] of Object.entries(KEYS)) {
      const reader = await openPredictions(redisUrl, `${prefix}-${set}`);
      const expected = lastOfEach(texts, key);
      const found = await reader.getMany([...expected.values()].map(({ key }) => key));
      const columns = (await reader.meta())!.columns;
      expect(columns.map((c) => c.name)).toEqual(VALUES);
      for (const [i, { row }] of [...expected.values()].entries()) {
        const want = VALUES.map((name) => texts.get(name)![row]);
        expect(columns.map((column) => textOf(found[i]!.values[column.name]!, column))).toEqual(want);
      }
      expect({ ...reader.counts }).toMatchObject({ hits: expected.size, misses: 0, badPages: 0, missingPages: 0 });
      await reader.close();
    }
  }, 300_000);

  it('read_overlay.py reads single keys, alone and over a table', async () => {
    const alone = { set: `${prefix}-alone`, key: 'whole', mode: 'upsert' };
    const over = { set: `${prefix}-whole`, key: 'whole', mode: 'upsert' };
    await succeed('run', job('some', 'some', null));
    for (const [name, predictions] of Object.entries({ alone, over }))
      await succeed('publish', job('some', 'some', predictions, name));
    const keys = await checkByPython(
      spec('alone', ['whole'], ['some'], true),
      spec('whole', ['whole'], ['all', 'some'], true),
    );
    expect(Object.values(keys)).toEqual([60, 600]);
  }, 300_000);

  it('the DuckDB view has the rows of the manifest, whatever else lies beside them', async () => {
    cpSync(partsOf(out('some'))[0]!, join(out('all'), 'left-over.parquet'));
    const sql = fileURLToPath(new URL('../../examples/duckdb/current.sql', import.meta.url));
    const query = 'SELECT count(*), sum(whole)::VARCHAR FROM predictions';
    const rows = JSON.parse(await runPython('query_duckdb.py', [out('all'), sql, query])) as unknown;
    const texts = await textsByHyparquet(manifestParts(out('all')));
    const sum = texts.get('whole')!.reduce<bigint>((total, text) => total + BigInt(text as string), 0n);
    expect(rows).toEqual([[600, String(sum)]]);
  });
});

function manifestParts(folder: string): string[] {
  const { parts } = JSON.parse(readFileSync(join(folder, '_manifest.json'), 'utf8')) as { parts: { name: string }[] };
  return parts.map(({ name }) => join(folder, name));
}

/** Row number and key of the last row of every key. */
function lastOfEach(texts: ColumnTexts, names: readonly string[]) {
  const found = new Map<string, { readonly row: number; readonly key: PredictionKey }>();
  const columns = names.map((name) => texts.get(name)!);
  for (let row = 0; row < columns[0]!.length; row++) {
    const parts = columns.map((column) => column[row] as string | null);
    if (parts.includes(null)) continue;
    const key = parts.map((part, i) => (names[i] === 'blob' ? new Uint8Array(Buffer.from(part!, 'hex')) : part!));
    found.set(JSON.stringify(parts), { row, key: key.length === 1 ? key[0]! : key });
  }
  return found;
}

function textOf(value: PredictionValue, { name, type }: ValueColumn): CanonicalText {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((item) => textOf(item, { name, type: elementOf(type)! }));
  if (!type.startsWith('float')) return String(value);
  if (Number.isNaN(value)) return 'nan';
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(Number(value));
  return bytes.toString('hex');
}
