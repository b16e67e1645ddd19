import { readFileSync } from 'node:fs';
import { parquetMetadata } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Compared, compareParquet } from '../harness/compare-parquet.ts';
import {
  expectSame,
  expectSameValues,
  type InteropOutput,
  type InteropTables,
  interopTables,
  scoreTable,
} from '../harness/interop-run.ts';
import { partsOf } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';

/** Prediction columns: what the model gives, and the column of the input that holds the same. */
const LISTS = ['list', 'list_float16', 'list_float64', 'list_int64', 'list_bool'];
const SCALARS = [
  ...['float16', 'float32', 'float64', 'bool', 'string'],
  ...['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'],
];
const PREDICTIONS: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries([...SCALARS, ...LISTS].map((name) => [name, name])),
  best: { tensor: 'list', argmax: true },
  best_text: { tensor: 'list', argmax: true, labels: ['läg', 'high', 'no'] },
  best_whole: { tensor: 'list', argmax: true, labels: [2 ** 40, 2 ** 40 + 1, 0] },
  best_fraction: { tensor: 'list', argmax: true, labels: [0.25, 1.25, 0] },
  second: { tensor: 'list', index: 1 },
};

/** Types of the output in pyarrow's words, where they are not those of the input. */
const CHANGED: Readonly<Record<string, string>> = {
  half: 'float',
  large_string: 'string',
  string_view: 'string',
  large_binary: 'binary',
  fixed_binary: 'binary',
  date: 'date32[day]',
  date64: 'date32[day]',
  time_s: 'time64[us]',
  time_ms: 'time64[us]',
  timestamp_s_None: 'timestamp[us]',
  timestamp_ms_None: 'timestamp[us]',
  'timestamp_us_America/St_Johns': 'timestamp[us, tz=UTC]',
  timestamp_s_UTC: 'timestamp[us, tz=UTC]',
  timestamp_ns_None: 'timestamp[ns]',
  decimal32: 'decimal128(9, 2)',
  decimal_38_10: 'decimal128(38, 10)',
  dictionary: 'string',
  dictionary_int64: 'int64',
  list_float: 'list<element: float>',
  fixed_list: 'list<element: float>',
  large_list: 'list<element: int32>',
  null: 'int32',
};

const ROW_GROUPS = { small: 2048, large: 122_880 };
const CODECS = ['zstd', 'snappy', 'none'] as const;

/** Every codec and row-group size; tables of Arrow and of types that only DuckDB writes take turns. */
const RUNS = CODECS.flatMap((codec, i) =>
  (['small', 'large'] as const).flatMap((size, k) => [
    ['pyarrow', codec, size] as const,
    [(i + k) % 2 === 0 ? 'arrow' : 'duckdb', codec, size] as const,
  ]),
);

describe('pyarrow, DuckDB and hyparquet read every value of an output', () => {
  const home = suiteFolder();
  let tables: InteropTables;

  let outputs: readonly InteropOutput[] = [];
  let compared: Readonly<Record<string, Compared>> = {};

  // Compared by one process: it takes longer to start than to compare a table.
  beforeAll(async () => {
    tables = await interopTables(home);
    const scored: InteropOutput[] = [];
    for (const [by, codec, size] of RUNS) {
      const kept = tables.columns[by]!;
      scored.push(
        await scoreTable(
          tables,
          `${by}-${codec}-${size}`,
          by === 'arrow' ? 'arrow/types.arrow' : `${by}/types.parquet`,
          {
            outputs: Object.fromEntries(Object.entries(PREDICTIONS).map(([name, from]) => [`p_${name}`, from])),
            id: ['id'],
            passthrough: kept,
            output: { compression: codec, rowGroupRows: ROW_GROUPS[size] },
          },
          { columns: { id: 'id', ...same(kept), ...predicted() } },
        ),
      );
    }
    compared = await compareParquet(tables.folder, scored);
    outputs = scored;
  }, 240_000);

  it.each(RUNS)(
    'of a table by %s, written with %s in %s row groups',
    async (by, codec, size) => {
      const name = `${by}-${codec}-${size}`;
      const types = await expectSame(tables, outputs.find((output) => output.name === name)!, compared[name]!);
      const { codecs, rowGroups } = shapeOf(`${tables.folder}/out/${name}`);
      expect(codecs).toEqual([codec === 'none' ? 'UNCOMPRESSED' : codec.toUpperCase()]);
      expect(rowGroups.reduce((sum, rows) => sum + rows)).toBe(3000);
      // DuckDB closes a row group with the vector of up to 2,048 rows that fills it.
      expect([rowGroups.length, Math.max(...rowGroups) < 2 * 2048]).toEqual([size === 'small' ? 2 : 1, true]);
      const changed = Object.entries(by === 'duckdb' ? {} : CHANGED);
      for (const [column, type] of changed) expect([column, types[column]]).toEqual([column, type]);
      expect([types['p_float16'], types['p_list_float16']]).toEqual(['float', 'list<element: float>']);
      expect([types['p_best'], types['p_best_whole'], types['p_best_fraction']]).toEqual(['int32', 'int64', 'double']);
    },
    120_000,
  );

  it('of lineage columns', async () => {
    const types = await expectSameValues(
      tables,
      'lineage',
      'duckdb/types.parquet',
      {
        model: { ...tables.model, name: 'naïve "model"', version: '2024.10' },
        outputs: { y: 'int64' },
        output: { lineage: true },
      },
      {
        columns: { y: 'want_int64' },
        constants: (runId) => ({
          scored_at: '1714979045000000000',
          model_name: 'naïve "model"',
          model_version: '2024.10',
          run_id: runId,
        }),
        args: ['--as-of', '2024-05-06T07:04:05Z'],
      },
    );
    expect(types).toEqual({
      y: 'int64',
      scored_at: 'timestamp[us, tz=UTC]',
      model_name: 'string',
      model_version: 'string',
      run_id: 'string',
    });
  });
});

/** Codecs and row groups of the one part of an output. */
function shapeOf(folder: string) {
  const bytes = readFileSync(partsOf(folder)[0]!);
  const { row_groups: groups } = parquetMetadata(new Uint8Array(bytes).buffer);
  const codecs = new Set(groups.flatMap((g) => g.columns.map((c) => c.meta_data?.codec)));
  return { codecs: [...codecs], rowGroups: groups.map((g) => Number(g.num_rows)) };
}

function same(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

function predicted(): Record<string, string> {
  return Object.fromEntries(Object.keys(PREDICTIONS).map((name) => [`p_${name}`, `want_${name}`]));
}
