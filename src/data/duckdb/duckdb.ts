import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance, type DuckDBResult } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { reclaimNative } from '../../base/heap/native-memory.ts';
import { VectorBatch } from './vector-batch.ts';

/** What the memory of a result is read as: for each column the types that lie in memory so. */
export interface ExpectedTypes {
  /** The file or part, for the error. */
  readonly where: string;
  readonly columns: readonly { readonly name: string; readonly types: ReadonlySet<string> }[];
}

export interface DuckOptions {
  /** Ceiling for DuckDB's own buffers, in bytes; beyond it DuckDB spills into `scratchDir`. */
  readonly memoryBytes: number;
  readonly scratchDir: string;
  readonly scratchBytes: number;
}

/**
 * One in-memory DuckDB with one thread: with two, UNION ALL and POSITIONAL JOIN lose the row order (tried), and a scorer
 * scales by children. No extension is ever fetched, and file contents are never cached across queries.
 */
export class Duck {
  readonly connection: DuckDBConnection;
  private readonly instance: DuckDBInstance;

  private readonly isOwner: boolean;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, isOwner: boolean) {
    this.instance = instance;
    this.connection = connection;
    this.isOwner = isOwner;
  }

  static async open(options: DuckOptions): Promise<Duck> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: `${Math.max(16, Math.floor(options.memoryBytes / 1048576))}MiB`,
      temp_directory: options.scratchDir,
      max_temp_directory_size: `${Math.max(1, Math.floor(options.scratchBytes / 1048576))}MiB`,
      enable_external_file_cache: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false',
      preserve_insertion_order: 'true',
    });
    const duck = new Duck(instance, await instance.connect(), true);
    // A chunk's file is opened by several queries; parsing its footer each time cost 10 ms (21 row groups x 32 columns).
    await duck.keepFooters(true);
    // Else the geometries of a GeoParquet file would not go through as the bytes that they are.
    await duck.run('set global enable_geoparquet_conversion = false');
    // Else what a time with a zone is as a date, or as a text, would depend on the machine.
    await duck.run("set global TimeZone = 'UTC'");
    return duck;
  }

  /** A further connection to the same tables: queries of two lanes run at the same time, each on a thread of its own. */
  async lane(): Promise<Duck> {
    return new Duck(this.instance, await this.instance.connect(), false);
  }

  /** Whether footers that are parsed from now on are kept. What is kept stays until the end, 11 bytes for one of a footer. */
  async keepFooters(isKept: boolean): Promise<void> {
    await this.run(`set global parquet_metadata_cache = ${isKept}`);
  }

  async run(sql: string): Promise<void> {
    await this.connection.run(sql);
  }

  /** All rows as arrays of JS values; for small results only. */
  async rows(sql: string): Promise<unknown[][]> {
    const reader = await this.connection.runAndReadAll(sql);
    return reader.getRowsJS();
  }

  /**
   * Streams a result in row order as batches of at most 2,048 rows. Its types are compared before any of its memory is read. The next batch is decoded on a thread of DuckDB while
   * the caller works on this one. No other query may run on this lane meanwhile: it would end the stream. Owns: a batch's arrays are DuckDB's memory and end with the next iteration.
   */
  async *stream(sql: string, expected: ExpectedTypes): AsyncGenerator<VectorBatch> {
    const result = await this.connection.stream(sql);
    compareTypes(result, expected);
    let next: Promise<DuckDBDataChunk | null> = result.fetchChunk();
    try {
      for (;;) {
        const chunk = await next;
        if (chunk === null || chunk.rowCount === 0) return;
        next = result.fetchChunk();
        yield new VectorBatch(chunk);
        reclaimNative(chunk.rowCount);
      }
    } finally {
      await next.catch(() => null);
    }
  }

  /**
   * The batches of a small result, which is made whole before the first one: a streamed query is planned twice, which for a
   * few rows is most of its cost. Owns: as with `stream`.
   */
  async *read(sql: string, expected: ExpectedTypes): AsyncGenerator<VectorBatch> {
    const result = await this.connection.run(sql);
    compareTypes(result, expected);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      yield new VectorBatch(chunk);
      reclaimNative(chunk.rowCount);
    }
  }

  /** Name and type of every column of a query, in order. DuckDB's names: twins that differ in case are renamed. */
  async describe(query: string): Promise<{ readonly name: string; readonly type: string }[]> {
    const rows = await this.rows(`describe ${query}`);
    return rows.map((row) => ({ name: String(row[0]), type: String(row[1]) }));
  }

  /** Stops the query that runs now, if any. */
  interrupt(): void {
    this.connection.interrupt();
  }

  close(): void {
    this.connection.closeSync();
    if (this.isOwner) this.instance.closeSync();
  }
}

// A vector is read as raw memory: one of another type would give wrong values, a text in the place of numbers a wild pointer.
function compareTypes(result: DuckDBResult, { where, columns }: ExpectedTypes): void {
  const types = result.columnTypes();
  for (const [i, { name, types: wanted }] of columns.entries()) {
    const type = types[i]?.toString();
    if (type !== undefined && wanted.has(type)) continue;
    throw new PrescoreError('INPUT_CHANGED', {
      what: `column ${JSON.stringify(name)} is not of the type that was planned`,
      where,
      expected: [...wanted].join(' or '),
      got: type ?? 'no such column',
    });
  }
}

/** The version of the library that is linked in, for plans and `doctor`. */
export function duckdbVersion(): string {
  return duckdb.library_version();
}

/** Quotes an identifier for SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a text for SQL. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The table function over one local Parquet file, or over quoted literal paths, with the position of every row. Errors: URI_INVALID. */
export function parquetSource(path: string | readonly string[]): string {
  const files = typeof path === 'string' ? quoteText(literalPath(path)) : `[${path.join(', ')}]`;
  return `read_parquet(${files}, file_row_number = true, hive_partitioning = false)`;
}

/**
 * A path as `read_parquet` takes it, which reads every path as a pattern: each of its signs stands for itself.
 *
 * Errors: URI_INVALID for a name with a backslash beside such signs, since DuckDB takes that for a slash in patterns.
 */
export function literalPath(path: string): string {
  const literal = path.replace(/[*?[]/g, (sign) => `[${sign}]`);
  if (literal === path || !path.includes('\\')) return literal;
  throw new PrescoreError('URI_INVALID', {
    what: 'a path with a backslash and one of * ? [ cannot be read',
    where: path,
    fix: 'Rename the file or folder.',
  });
}
