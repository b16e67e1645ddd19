/**
 * Input files as the planner sees them. Types are DuckDB's own spelling (`BIGINT`, `DECIMAL(18,3)`, `FLOAT[]`), because
 * DuckDB decodes and encodes every value.
 */
export interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  /** DuckDB's name for it where that differs: names that are twins but for their case are renamed. */
  readonly duckName?: string;
  /** Set when DuckDB would change values of this column; says how. */
  readonly lossy?: string;
  /**
   * Set when it holds nothing but nulls, or lists without an element that is not null, in this file: its type says nothing then.
   */
  readonly onlyNulls?: 'values' | 'elements';
  /** Set when this column can be described but not read; says why. */
  readonly unsupported?: string;
}

export interface RowGroupInfo {
  readonly rows: number;
  /** Bytes on disk and after decompression, of all columns. */
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
}

export type FileFormat = 'parquet' | 'arrow-file' | 'arrow-stream';

/** One input file, read from its footer (Parquet, Arrow file) or its schema message (Arrow stream). */
export interface FileDescription {
  readonly uri: string;
  readonly size: number;
  readonly etag: string;
  readonly format: FileFormat;
  readonly columns: readonly ColumnInfo[];
  /** Row groups or record batches; empty for an Arrow stream, whose rows are counted while they are read. */
  readonly rowGroups: readonly RowGroupInfo[];
  /** Null for an Arrow stream. */
  readonly rows: number | null;
}
