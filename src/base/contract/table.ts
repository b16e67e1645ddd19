/**
 * Input files as the planner sees them. Types are DuckDB's own spelling (`BIGINT`, `DECIMAL(18,3)`, `FLOAT[]`), because
 * DuckDB decodes and encodes every value.
 */
/** The name under which a job's `where` stands among the computed columns of a file: none that a job can give a column. */
export const WHERE_COLUMN = '\0where';

export interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  /** DuckDB's name for it where that differs: names that are twins but for their case are renamed. */
  readonly duckName?: string;
  /** What the file calls it, where its table has another name for it. */
  readonly fileName?: string;
  /** The file's own type, where its table has a wider one: values are cast to `type` as they are read. */
  readonly storedAs?: string;
  /** Set when DuckDB would change values of this column; says how. */
  readonly lossy?: string;
  /**
   * Set when it holds nothing but nulls, or lists without an element that is not null, in this file: its type says nothing then.
   */
  readonly onlyNulls?: 'values' | 'elements';
  /** Set when this column can be described but not read; says why. */
  readonly unsupported?: string;
  /** The job computes it of these columns of the file or its path (`columns` and `where`): it does not stand in the file. */
  readonly computedFrom?: readonly string[];
  /** Of a text file. */
  readonly text?: TextColumn;
  /** Of a text file: where the column has a type that this one does not fit. */
  readonly conflict?: { readonly uri: string; readonly type: string };
}

/** What is known of a column of a CSV or JSONL file beside its type. */
export interface TextColumn {
  /** Position among the fields of a CSV record; null in JSONL, where names say what a value is. */
  readonly field: number | null;
  /** The type is the job's (`input.schema`), not one that the first lines gave. It takes more spellings then, such as 007. */
  readonly isDeclared: boolean;
  /** The first lines have no value in it. */
  readonly isEmpty?: true;
  /** The first lines have integers beyond 2^53, which a double would change. */
  readonly hasLongIntegers?: true;
  /** Of a column that is a text for want of a better type: the first line, from 1, whose value is none of the others' type. */
  readonly textLine?: number;
}

/** How a CSV or JSONL file is written. It is kept in the plan, so that every reader of the file reads alike. */
export interface TextLayout {
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** Null for JSONL. */
  readonly csv: CsvLayout | null;
}

export interface CsvLayout {
  /** One ASCII character, as the next two. */
  readonly delimiter: string;
  /** Null: no character is special. */
  readonly quote: string | null;
  /** Null: a quote inside quotes is written twice. */
  readonly escape: string | null;
  /** Whether the first record is names. */
  readonly hasHeader: boolean;
  /** Of every record. */
  readonly fields: number;
  /** Texts that stand for null where they are not quoted, beside the empty one. */
  readonly nulls: readonly string[];
  readonly decimal: '.' | ',';
  /** strptime; null: ISO 8601. */
  readonly dateFormat: string | null;
  readonly timestampFormat: string | null;
}

export interface RowGroupInfo {
  readonly rows: number;
  /** Bytes on disk and after decompression, of all columns. */
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
}

export type FileFormat = 'parquet' | 'arrow-file' | 'arrow-stream' | 'csv' | 'jsonl';

/** One input file, read from its footer (Parquet, Arrow file), its schema message (Arrow stream) or its first lines (text). */
export interface FileDescription {
  readonly uri: string;
  readonly size: number;
  readonly etag: string;
  readonly format: FileFormat;
  readonly columns: readonly ColumnInfo[];
  /** Row groups or record batches; empty where rows are counted while they are read (Arrow streams, text). */
  readonly rowGroups: readonly RowGroupInfo[];
  /** Null where they are not known yet. */
  readonly rows: number | null;
  /** Of a CSV or JSONL file. */
  readonly text?: TextLayout;
}
