import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DOUBLE,
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListType,
  DuckDBListValue,
  DuckDBTimeNSValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBType,
  type DuckDBValue,
  FLOAT,
  SQLNULL,
} from '@duckdb/node-api';
import { expect } from 'vitest';
import type { ErrorCode } from '../../../../src/base/errors/error-codes.ts';
import { describeArrow } from '../../../../src/data/arrow/arrow-ipc.ts';
import {
  type ArrowToParquetOptions,
  type ArrowToParquetResult,
  arrowToParquet,
} from '../../../../src/data/arrow-values/arrow-to-parquet.ts';
import type { ByteSource } from '../../../../src/data/object-store/byte-source.ts';
import { failureOf } from '../../../harness/failure-of.ts';

/** A value in the form that `test/python/make_arrow.py` writes. */
export type ValueText = string | null | readonly ValueText[];

export interface Converted extends ArrowToParquetResult {
  /** The Parquet file, which is there until the folder is removed. */
  readonly target: string;
  /** Column name and its values as text, in the order asked for. */
  readonly columns: readonly (readonly [string, readonly ValueText[]])[];
}

export function sourceOf(bytes: Uint8Array): ByteSource {
  return { size: bytes.byteLength, read: async (offset, length) => bytes.slice(offset, offset + length) };
}

/** Describes the bytes, converts all readable columns (or those named) in `folder`, and reads the result back. */
async function convert(
  connection: DuckDBConnection,
  folder: string,
  bytes: Uint8Array,
  options: Partial<ArrowToParquetOptions> = {},
): Promise<Converted> {
  const path = join(folder, 'input.arrow');
  const target = options.target ?? join(folder, `${randomUUID()}.parquet`);
  writeFileSync(path, bytes);
  const summary = await describeArrow(sourceOf(bytes), 'input.arrow');
  const columns = options.columns ?? summary.columns.filter((c) => c.unsupported === undefined).map((c) => c.name);
  const result = await arrowToParquet({
    connection,
    path,
    format: summary.format,
    target,
    compression: 'uncompressed',
    memoryBytes: 64 * 1024 * 1024,
    name: 'input.arrow',
    ...options,
    columns,
  });
  const read = await connection.runAndReadAll(`select * from '${target}'`);
  const values = read.getColumns();
  const types = read.columnTypes();
  return {
    ...result,
    target,
    columns: columns.map((name, i) => [name, (values[i] ?? []).map((value) => textOf(value, types[i] ?? SQLNULL))]),
  };
}

/** A connection and a folder for one test file. */
export class ArrowBench {
  readonly connection: DuckDBConnection;
  readonly folder = mkdtempSync(join(tmpdir(), 'prescore-arrow-'));

  private constructor(connection: DuckDBConnection) {
    this.connection = connection;
  }

  static async open(): Promise<ArrowBench> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1', enable_external_file_cache: 'false' });
    return new ArrowBench(await instance.connect());
  }

  close(): void {
    this.connection.closeSync();
    rmSync(this.folder, { recursive: true });
  }

  convert(bytes: Uint8Array, options: Partial<ArrowToParquetOptions> = {}): Promise<Converted> {
    return convert(this.connection, this.folder, bytes, options);
  }

  /** The values of the first column. */
  async valuesOf(bytes: Uint8Array): Promise<readonly ValueText[]> {
    const { columns } = await this.convert(bytes);
    return columns[0]?.[1] ?? [];
  }

  /** Expects an error with this code that holds these texts, and no target. */
  async expectRefused(bytes: Uint8Array, code: ErrorCode, ...texts: readonly string[]): Promise<void> {
    const target = join(this.folder, 'refused.parquet');
    const error = await failureOf(this.convert(bytes, { target }));
    for (const text of [`${code}: `, 'at input.arrow', ...texts]) expect(error.message).toContain(text);
    expect(existsSync(target)).toBe(false);
  }
}

/** The text that make_arrow.py gives a value of the same meaning. */
function textOf(value: DuckDBValue, type: DuckDBType): ValueText {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return type === FLOAT || type === DOUBLE ? hexOfDouble(value) : value.toString();
  if (value instanceof DuckDBListValue && type instanceof DuckDBListType) {
    return value.items.map((item) => textOf(item, type.valueType));
  }
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('hex');
  if (value instanceof DuckDBDecimalValue) return value.toString();
  if (value instanceof DuckDBDateValue) return String(value.days);
  if (value instanceof DuckDBTimeValue) return String(value.micros);
  if (value instanceof DuckDBTimeNSValue) return String(value.nanos);
  if (value instanceof DuckDBTimestampNanosecondsValue) return String(value.nanos);
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return String(value.micros);
  throw new Error(`no text for ${value.constructor.name}`);
}

function hexOfDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}
