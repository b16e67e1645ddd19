import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CanonicalText } from '../harness/canonical-texts.ts';
import { prescore } from '../harness/cli.ts';
import { type InteropTables, interopTables } from '../harness/interop-run.ts';
import { runPython } from '../harness/python.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { sha256Of, writeJob } from '../harness/temp-job.ts';

/*
 * The table of docs/types.md: every type that can be a feature, what it becomes, and those that cannot. A null becomes
 * the fill; expected values are made of what pyarrow reads.
 */
type Feed = readonly [type: string, value: (text: string) => unknown];

const floatOf = (text: string): number => (text === 'nan' ? Number.NaN : Buffer.from(text, 'hex').readDoubleBE());
const micros = (text: string): bigint => BigInt(text) / 1000n;
const whole: (type: string) => Feed = (type) => [type, (text) => BigInt(text)];
const small: (type: string) => Feed = (type) => [type, Number];

const PYARROW: Readonly<Record<string, Feed>> = {
  ...Object.fromEntries(['int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32'].map((t) => [t, small(t)])),
  ...Object.fromEntries(['int64', 'uint64'].map((t) => [t, whole(t)])),
  half: ['float16', floatOf],
  float: ['float32', floatOf],
  double: ['float64', floatOf],
  bool: ['bool', (text) => text === 'true'],
  date: small('int32'),
  date64: small('int32'),
  time_s: ['int64', micros],
  time_ms: ['int64', micros],
  time_us: ['int64', micros],
  timestamp_s_None: ['int64', micros],
  timestamp_ms_UTC: ['int64', micros],
  'timestamp_us_America/St_Johns': ['int64', micros],
  timestamp_ns_None: ['int64', micros],
  decimal_4_1: ['float32', (text) => Math.fround(Number(text))],
  decimal_18_3: ['float64', Number],
  dictionary: ['string', (text) => text],
  dictionary_int64: whole('int64'),
  fixed_list: ['float32', (text) => text],
  list_decimal: ['float64', (text) => text],
};
const DUCKDB: Readonly<Record<string, Feed>> = Object.fromEntries(
  ['uuid', 'json', 'enum', 'bits'].map((column) => [column, ['string', (text: string) => text] as const]),
);
const WIDE_DECIMALS = ['decimal_38_10', 'decimal_38_38'];
const WIDE: Readonly<Record<string, Feed>> = Object.fromEntries(
  WIDE_DECIMALS.map((name) => [name, ['float64', Number]]),
);
const FILLS: Readonly<Record<string, unknown>> = { string: 'none', bool: false };
const LISTS = new Set(['fixed_list', 'list_decimal']);
const NO_FEATURES = ['time_ns', 'binary', 'fixed_binary', 'struct', 'map', 'list_string', 'list_of_lists'];

describe('types of features', () => {
  const home = suiteFolder();
  let tables: InteropTables;

  beforeAll(async () => {
    tables = await interopTables(home);
  });

  async function feed(input: string, feeds: Readonly<Record<string, Feed>>) {
    const folder = join(tables.folder, input);
    const spec = Object.entries(feeds).map(([column, [type]]) => [column, [type, LISTS.has(column) ? 3 : 0]]);
    await runPython('make_feeds.py', [folder, JSON.stringify(Object.fromEntries(spec))]);
    const model = join(folder, 'feeds.onnx');
    const path = writeJob(folder, {
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: tables.input(`${input}/types.parquet`) },
      features: Object.fromEntries(
        Object.entries(feeds).map(([column, [type]]) => [
          column,
          { columns: column, nulls: { fill: FILLS[type] ?? 1 } },
        ]),
      ),
      id: ['id'],
      output: { uri: join(folder, 'out') },
      execution: { scorers: 1 },
      rejects: { limit: '100%' },
    });
    const result = await prescore(['run', path, '--json']);
    expect([result.code, result.stderr]).toEqual([input === 'duckdb' ? 0 : 3, '']);
    return { done: result.events.at(-1)!, rows: await readOutput(join(folder, 'out')) };
  }

  it('each that pyarrow writes feeds its value; a null list and what is not finite reject their rows', async () => {
    const { done, rows } = await feed('pyarrow', { ...PYARROW, ...WIDE });
    const texts = await tables.texts('pyarrow/types.parquet');
    const lists = [...LISTS].map((column) => texts.get(column)!);
    const nulls = texts.get('id')!.flatMap((_, id) => (lists.some((list) => list[id] === null) ? [id] : []));
    const odd = [2, 3, 4].filter((id) => !nulls.includes(id));
    expect(done['rejectsByRule']).toEqual({ null_list: nulls.length, bad_output: odd.length });
    const ids = rows.map((row) => Number(row['id']));
    expect(ids).toEqual(Array.from({ length: 3000 }, (_, i) => i).filter((i) => ![...nulls, ...odd].includes(i)));
    // More digits than a double has: DuckDB divides two doubles.
    for (const column of WIDE_DECIMALS) {
      rows.forEach((row, i) => {
        const text = texts.get(column)![ids[i]!];
        const want = text === null ? 1 : Number(text);
        expect(Math.abs((row[`out_${column}`] as number) - want)).toBeLessThanOrEqual(Math.abs(want) * 4e-16);
      });
    }
    for (const [column, [type, value]] of Object.entries(PYARROW)) {
      const fill = FILLS[type] ?? (type.endsWith('int64') ? 1n : 1);
      const want = (text: CanonicalText): unknown =>
        text === null
          ? fill
          : Array.isArray(text)
            ? text.map((item) => elementOf(column, String(item)))
            : value(String(text));
      expect(
        rows.map((row) => row[`out_${column}`]),
        column,
      ).toEqual(ids.map((id) => want(texts.get(column)![id]!)));
    }
  });

  it('UUIDs, JSON and enums feed their texts', async () => {
    const { rows } = await feed('duckdb', DUCKDB);
    const texts = await tables.texts('duckdb/types.parquet');
    const dashed = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    for (const column of Object.keys(DUCKDB)) {
      const want = texts.get(column)!.map((text) => (column === 'uuid' ? dashed(String(text)) : text));
      expect(rows.map((row) => row[`out_${column}`])).toEqual(
        want.map((text, i) => (texts.get(column)![i] === null ? 'none' : text)),
      );
    }
  });

  it('others are refused by name before a row is scored', async () => {
    const folder = join(tables.folder, 'refused');
    const columns = NO_FEATURES;
    await runPython('make_feeds.py', [
      folder,
      JSON.stringify(Object.fromEntries(columns.map((c) => [c, ['float32', 0]]))),
    ]);
    const model = join(folder, 'feeds.onnx');
    const path = writeJob(folder, {
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: tables.input('pyarrow/types.parquet') },
      output: { uri: join(folder, 'out') },
    });
    const { code, stderr } = await prescore(['check', path]);
    expect(code).toBe(5);
    for (const column of columns) {
      expect(stderr).toMatch(new RegExp(`${column}: model wants .*column "${column}" is .*: it cannot feed float32`));
    }
  });
});

function elementOf(column: string, text: string): number {
  return column === 'list_decimal' ? Number(text) : floatOf(text);
}
