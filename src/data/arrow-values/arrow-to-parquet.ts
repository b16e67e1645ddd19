import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { isPrescoreError, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { isOutOfSpace, scratchFault } from '../../base/errors/scratch-fault.ts';
import { ArrowPlace } from '../arrow/arrow-fault.ts';
import { ArrowLocalFile } from '../arrow/arrow-local-file.ts';
import { type ArrowConversion, type ArrowSelection, openConversion } from './arrow-conversion.ts';
import { withRowScan } from './row-scan.ts';
import { scratchOptions } from './zero-signs.ts';

export interface ArrowToParquetOptions extends ArrowSelection {
  readonly connection: DuckDBConnection;
  /** Local file; of an Arrow file only `ArrowSummary.metadata` and the wanted batches' ranges need be there. */
  readonly path: string;
  /** Written once; removed again when the conversion fails. */
  readonly target: string;
  readonly compression: 'uncompressed' | 'snappy';
  /** Shown in errors; the path when left out. */
  readonly name?: string;
}

export interface ArrowToParquetResult {
  readonly rows: number;
  /** Rows of each converted record batch, in order. */
  readonly rowsPerBatch: readonly number[];
  /** Column name -> its name in the Parquet file (c0, c1, …): DuckDB would take names that differ in case for one. */
  readonly names: ReadonlyMap<string, string>;
}

const VECTOR_ROWS = 2048;
/** DuckDB's own default. */
const ROW_GROUP_ROWS = 122_880;

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
    const conversion = await openConversion(file, options, place);
    const rowBytes = conversion.lookAhead();
    const signs = scratchOptions(conversion.types);
    const scan = { types: conversion.types, next: () => conversion.next() };
    const written = await withRowScan(options.connection, scan, (table) => copy(table, rowBytes, signs, options));
    requireAll(conversion, written);
    const names = new Map(options.columns.map((column, index) => [column, `c${index}`]));
    return { rows: conversion.rows, rowsPerBatch: conversion.rowsPerBatch, names };
  } catch (error) {
    rmSync(options.target, { force: true });
    throw duckdbFault(error, place, options.target);
  } finally {
    file.close();
  }
}

/** Answers with the number of rows that DuckDB wrote. */
async function copy(table: string, rowBytes: number, signs: string, options: ArrowToParquetOptions): Promise<number> {
  const target = options.target.replaceAll("'", "''");
  const rows = rowGroupRows(rowBytes, options.memoryBytes);
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

/** DuckDB holds a row group in memory before it writes it: a quarter of the memory at most, in whole vectors. */
function rowGroupRows(rowBytes: number, memoryBytes: number): number {
  if (rowBytes === 0) return ROW_GROUP_ROWS;
  const vectors = Math.floor(memoryBytes / 4 / rowBytes / VECTOR_ROWS);
  return Math.min(ROW_GROUP_ROWS, Math.max(1, vectors) * VECTOR_ROWS);
}

function duckdbFault(error: unknown, place: ArrowPlace, target: string): PrescoreError {
  if (isPrescoreError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (isOutOfSpace(error)) return scratchFault(error, dirname(target));
  if (/^out of memory/i.test(text)) return place.fault('INPUT_TOO_LARGE', text, { cause: error });
  return toPrescoreError(error, 'INTERNAL');
}
