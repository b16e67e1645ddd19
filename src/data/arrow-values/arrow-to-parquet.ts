import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { isPrescoreError, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { isOutOfSpace, scratchFault } from '../../base/errors/scratch-fault.ts';
import { ArrowPlace } from '../arrow/arrow-fault.ts';
import { ArrowLocalFile } from '../arrow/arrow-local-file.ts';
import { type ArrowConversion, type ArrowSelection, openConversion } from './arrow-conversion.ts';
import { columnBytes } from './column-bytes.ts';
import { RowGroupSize } from './row-group-size.ts';
import { type ScanBatch, withRowScan } from './row-scan.ts';
import { scratchOptions } from './zero-signs.ts';

export interface ArrowToParquetOptions extends ArrowSelection {
  readonly connection: DuckDBConnection;
  /** Local file; of an Arrow file only `ArrowSummary.metadata` and the wanted batches' ranges need be there. */
  readonly path: string;
  /** Written once; removed again when the conversion fails. */
  readonly target: string;
  readonly compression: 'uncompressed' | 'snappy';
  /** Names of those that are copied to the output; none when left out. */
  readonly kept?: ReadonlySet<string>;
  /** Shown in errors; the path when left out. */
  readonly name?: string;
}

export interface ArrowToParquetResult {
  readonly rows: number;
  /** Rows of each converted record batch, in order. */
  readonly rowsPerBatch: readonly number[];
  /** Column name -> its name in the Parquet file (c0, c1, …): DuckDB would take names that differ in case for one. */
  readonly names: ReadonlyMap<string, string>;
  /** Rows that a row group of the kept columns may have. */
  readonly groupRows: number;
}

/** Rows that are measured together. */
const VECTOR_ROWS = 2048;

/**
 * Writes columns of an Arrow file or stream to a Parquet file, record batch after record batch, in row order. Every length,
 * offset, index, null count and text is checked before DuckDB sees it, and a stream must end with its marker: the target
 * has all rows, or there is no target.
 *
 * Errors: INPUT_TRUNCATED, INPUT_FOOTER, INPUT_FORMAT, INPUT_CORRUPT (with column, record batch and row), INPUT_SCHEMA (no
 * such column), INPUT_DUPLICATE_COLUMN, INPUT_UNSUPPORTED, INPUT_TOO_LARGE, SCRATCH_FULL, INPUT_GONE. Repeat: safe.
 * The event loop waits while a record batch is decoded.
 */
export async function arrowToParquet(options: ArrowToParquetOptions): Promise<ArrowToParquetResult> {
  const place = new ArrowPlace(options.name ?? options.path);
  const file = new ArrowLocalFile(options.path, place);
  try {
    let size = new RowGroupSize();
    for (;;) {
      const { conversion, written, widest, groupRows } = await convert(file, options, place, size);
      if (widest < size.rows) {
        // The rows became wider than those before them: from the start, with smaller row groups.
        rmSync(options.target, { force: true });
        size = new RowGroupSize(widest);
        continue;
      }
      requireAll(conversion, written);
      const names = new Map(options.columns.map((column, index) => [column, `c${index}`]));
      return { rows: conversion.rows, rowsPerBatch: conversion.rowsPerBatch, names, groupRows };
    }
  } catch (error) {
    rmSync(options.target, { force: true });
    throw duckdbFault(error, place, options.target);
  } finally {
    file.close();
  }
}

interface Written {
  readonly conversion: ArrowConversion;
  readonly written: number;
  /** Rows that a row group of all columns may have; the conversion ended early when they are fewer than it had. */
  readonly widest: number;
  /** The same of the columns that are kept. */
  readonly groupRows: number;
}

async function convert(
  file: ArrowLocalFile,
  options: ArrowToParquetOptions,
  place: ArrowPlace,
  { rows: groupRows }: RowGroupSize,
): Promise<Written> {
  const conversion = await openConversion(file, options, place);
  const all = new RowGroupSize(groupRows);
  const some = new RowGroupSize();
  const kept = options.columns.map((name) => options.kept?.has(name) === true);
  const next = (): ScanBatch | null => {
    if (all.rows < groupRows) return null;
    const batch = conversion.next();
    if (batch === null) return null;
    measure(batch, all, some, kept);
    return all.rows < groupRows ? null : batch;
  };
  const signs = scratchOptions(conversion.types);
  const written = await withRowScan(options.connection, { types: conversion.types, next }, (table) =>
    copy(table, groupRows, signs, options),
  );
  return { conversion, written, widest: all.rows, groupRows: some.rows };
}

function measure({ rows, columns }: ScanBatch, all: RowGroupSize, some: RowGroupSize, kept: readonly boolean[]): void {
  for (let row = 0; row < rows; row += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, rows - row);
    const bytes = columns.map((column) => columnBytes(column, row, count));
    all.add(
      count,
      bytes.reduce((sum, more) => sum + more, 0),
    );
    some.add(
      count,
      bytes.reduce((sum, more, i) => (kept[i] === true ? sum + more : sum), 0),
    );
  }
}

/** Answers with the number of rows that DuckDB wrote. */
async function copy(table: string, rows: number, signs: string, options: ArrowToParquetOptions): Promise<number> {
  const target = options.target.replaceAll("'", "''");
  const result = await options.connection.run(
    `copy (select * from ${table}) to '${target}' (format parquet, compression ${options.compression}, row_group_size ${rows}${signs})`,
  );
  return result.rowsChanged;
}

function requireAll(conversion: ArrowConversion, written: number): void {
  if (conversion.isDone && written === conversion.rows) return;
  throw new PrescoreError('INTERNAL', {
    what: 'the Parquet copy of an Arrow file does not have all its rows',
    expected: `${conversion.rows}`,
    got: `${written}`,
  });
}

function duckdbFault(error: unknown, place: ArrowPlace, target: string): PrescoreError {
  if (isPrescoreError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (isOutOfSpace(error)) return scratchFault(error, dirname(target));
  if (/^out of memory/i.test(text)) return place.fault('INPUT_TOO_LARGE', text, { cause: error });
  return toPrescoreError(error, 'INTERNAL');
}
