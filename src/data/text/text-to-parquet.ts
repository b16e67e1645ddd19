import { rmSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { RejectReason } from '../../base/contract/binding.ts';
import type { ColumnInfo, TextLayout } from '../../base/contract/table.ts';
import { isPrescoreError, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { ScanBatch } from '../arrow-values/row-scan.ts';
import { withRowScan } from '../arrow-values/row-scan.ts';
import { keepZeroSigns } from '../arrow-values/zero-signs.ts';
import { CsvRows } from './csv-rows.ts';
import { JsonlRows } from './jsonl-rows.ts';
import { RecordBuffer } from './record-buffer.ts';
import { textFault } from './text-fault.ts';
import type { RowLimits, TextRows } from './text-rows.ts';

export interface TextToParquetOptions {
  readonly connection: DuckDBConnection;
  /** Local file, unpacked. */
  readonly path: string;
  readonly layout: TextLayout;
  /** Those that are wanted, each once, of types that text files have. */
  readonly columns: readonly ColumnInfo[];
  /** Written once; removed again when the conversion fails. */
  readonly target: string;
  /** DuckDB holds a row group of a quarter of this. */
  readonly memoryBytes: number;
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
}

const VECTOR_ROWS = 2048;
const ROW_GROUP_ROWS = 122_880;
/** Rows may become wider than the first ones were. */
const ROOM = 2;

/**
 * Writes the records of a CSV or JSONL file to a Parquet file, in their order: the wanted columns, the line of each and its
 * fault. Every line of the file is in it, or it is blank or the header.
 *
 * Errors: INPUT_GONE, INPUT_TRUNCATED, INPUT_TOO_LARGE, STORE_NO_SPACE. Repeat: safe. The event loop waits while up to 2,048
 * rows are read.
 */
export async function textToParquet(options: TextToParquetOptions): Promise<TextToParquetResult> {
  const { columns, layout, limits, uri, connection } = options;
  const buffer = new RecordBuffer(options.path);
  try {
    const { csv } = layout;
    const rows = csv === null ? new JsonlRows(buffer, columns, limits) : new CsvRows(buffer, csv, columns, limits);
    // Read ahead, for its width; DuckDB is given it first.
    let ahead: ScanBatch | null | undefined = rows.next();
    const next = (): ScanBatch | null => {
      const batch = ahead === undefined ? rows.next() : ahead;
      ahead = undefined;
      return batch;
    };
    const groupRows = rowGroupRows(rows.rowBytes, options.memoryBytes);
    const written = await withRowScan(connection, { types: rows.types, next }, (table) =>
      copy(table, groupRows, keepZeroSigns(rows.types), options),
    );
    if (written !== rows.rows) throw lostRows(rows, written);
    return {
      rows: written,
      names: new Map(columns.map((column, index) => [column.name, `c${index}`])),
      lineColumn: `c${columns.length}`,
      faultColumn: `c${columns.length + 1}`,
      faults: rows.faults,
    };
  } catch (error) {
    rmSync(options.target, { force: true });
    throw duckdbFault(error, uri);
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

function rowGroupRows(rowBytes: number, memoryBytes: number): number {
  if (rowBytes === 0) return ROW_GROUP_ROWS;
  const vectors = Math.floor(memoryBytes / 4 / (rowBytes * ROOM) / VECTOR_ROWS);
  return Math.min(ROW_GROUP_ROWS, Math.max(1, vectors) * VECTOR_ROWS);
}

function lostRows(rows: TextRows, written: number): PrescoreError {
  const what = 'the Parquet copy of a text file does not have all its rows';
  return new PrescoreError('INTERNAL', { what, expected: `${rows.rows}`, got: `${written}` });
}

function duckdbFault(error: unknown, uri: string): PrescoreError {
  if (isPrescoreError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/no space left|disk quota/i.test(text)) return textFault('STORE_NO_SPACE', uri, text, { cause: error });
  if (/^out of memory/i.test(text)) return textFault('INPUT_TOO_LARGE', uri, text, { cause: error });
  return toPrescoreError(error, 'INTERNAL');
}
