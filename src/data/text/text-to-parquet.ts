import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { RejectReason } from '../../base/contract/binding.ts';
import type { ColumnInfo, TextLayout } from '../../base/contract/table.ts';
import { isPrescoreError, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { isOutOfSpace, scratchFault } from '../../base/errors/scratch-fault.ts';
import { RowGroupSize, rowsOfGroup } from '../arrow-values/row-group-size.ts';
import type { ScanBatch } from '../arrow-values/row-scan.ts';
import { withRowScan } from '../arrow-values/row-scan.ts';
import { scratchOptions } from '../arrow-values/zero-signs.ts';
import { CsvRows } from './csv-rows.ts';
import { JsonlRows } from './jsonl-rows.ts';
import { RecordBuffer } from './record-buffer.ts';
import type { RowLimits, TextRows } from './text-batch.ts';
import { textFault } from './text-fault.ts';

export interface TextToParquetOptions {
  readonly connection: DuckDBConnection;
  /** Local file, unpacked. */
  readonly path: string;
  readonly layout: TextLayout;
  /** Those that are wanted, each once, of types that text files have. */
  readonly columns: readonly ColumnInfo[];
  /** Written once; removed again when the conversion fails. */
  readonly target: string;
  /** Names of those that are copied to the output. */
  readonly kept: ReadonlySet<string>;
  readonly limits: RowLimits;
  /** Shown in errors. */
  readonly uri: string;
}

export interface TextToParquetResult {
  /** Of the target: one a record, or one a line of a malformed record. */
  readonly rows: number;
  /** Column name -> its name in the Parquet file. */
  readonly names: ReadonlyMap<string, string>;
  /** The column of the line, from 1, in which a row begins. */
  readonly lineColumn: string;
  /** The column of the number, from 1, of a row's fault; 0 for none. */
  readonly faultColumn: string;
  readonly faults: readonly RejectReason[];
  /** Rows that a row group of the kept columns may have. */
  readonly groupRows: number;
}

/**
 * Writes the records of a CSV or JSONL file to a Parquet file, in their order: the wanted columns, the line of each and its
 * fault. Every line of the file is in it, or it is blank or the header.
 *
 * Errors: INPUT_GONE, INPUT_TRUNCATED, INPUT_TOO_LARGE, SCRATCH_FULL. Repeat: safe. The event loop waits while up to 2,048
 * rows are read.
 */
export async function textToParquet(options: TextToParquetOptions): Promise<TextToParquetResult> {
  const { columns, target } = options;
  try {
    for (let asked: number | null = null; ; ) {
      const { rows, faults, used, widest, groupRows }: Conversion = await convert(options, asked);
      if (widest < used) {
        // Rows are wider than those before them: from the start, with smaller row groups.
        rmSync(target, { force: true });
        asked = widest;
        continue;
      }
      return {
        ...{ rows, faults, groupRows },
        names: new Map(columns.map((column, index) => [column.name, `c${index}`])),
        lineColumn: `c${columns.length}`,
        faultColumn: `c${columns.length + 1}`,
      };
    }
  } catch (error) {
    rmSync(target, { force: true });
    throw duckdbFault(error, options.uri, target);
  }
}

interface Conversion {
  readonly rows: number;
  readonly faults: readonly RejectReason[];
  /** Rows of its row groups, and what they may have: it ended early when these are fewer. */
  readonly used: number;
  readonly widest: number;
  /** The same of the columns that are kept. */
  readonly groupRows: number;
}

async function convert(options: TextToParquetOptions, asked: number | null): Promise<Conversion> {
  const { columns, layout, limits, connection, kept } = options;
  const buffer = new RecordBuffer(options.path);
  try {
    const { csv } = layout;
    const rows = csv === null ? new JsonlRows(buffer, columns, limits) : new CsvRows(buffer, csv, columns, limits);
    // Read ahead, for its width; DuckDB is given it first.
    let ahead: ScanBatch | null | undefined = rows.next();
    const all = new RowGroupSize(asked ?? rowsOfGroup(rows.rows, rows.batch.bytes(null)));
    const used = all.rows;
    const some = new RowGroupSize();
    const next = (): ScanBatch | null => {
      if (all.rows < used) return null;
      const batch = ahead === undefined ? rows.next() : ahead;
      ahead = undefined;
      if (batch === null) return null;
      all.add(batch.rows, rows.batch.bytes(null));
      some.add(batch.rows, rows.batch.bytes(kept));
      return batch;
    };
    const written = await withRowScan(connection, { types: rows.types, next }, (table) =>
      copy(table, used, scratchOptions(rows.types), options),
    );
    if (written !== rows.rows) throw lostRows(rows, written);
    return { rows: written, faults: rows.faults, used, widest: all.rows, groupRows: some.rows };
  } finally {
    buffer.close();
  }
}

async function copy(
  table: string,
  groupRows: number,
  signs: string,
  { connection, target }: TextToParquetOptions,
): Promise<number> {
  const result = await connection.run(
    `copy (select * from ${table}) to '${target.replaceAll("'", "''")}'
      (format parquet, compression snappy, row_group_size ${groupRows}${signs})`,
  );
  return result.rowsChanged;
}

function lostRows(rows: TextRows, written: number): PrescoreError {
  const what = 'the Parquet copy of a text file does not have all its rows';
  return new PrescoreError('INTERNAL', { what, expected: `${rows.rows}`, got: `${written}` });
}

function duckdbFault(error: unknown, uri: string, target: string): PrescoreError {
  if (isPrescoreError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (isOutOfSpace(error)) return scratchFault(error, dirname(target));
  if (/^out of memory/i.test(text)) return textFault('INPUT_TOO_LARGE', uri, text, { cause: error });
  return toPrescoreError(error, 'INTERNAL');
}
