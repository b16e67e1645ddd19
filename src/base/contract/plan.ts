import type { Binding } from './binding.ts';
import type { PlanExact } from './exact.ts';
import type { Job } from './job.ts';
import type { ModelInfo } from './signature.ts';
import type { ColumnInfo, FileFormat, TextLayout } from './table.ts';

/** `<state>/runs/<runId>/plan.json`: everything that decides the output's bytes, written once by put-if-absent. */
export interface Plan {
  readonly format: 1;
  readonly runId: string;
  readonly job: Job;
  readonly partition: string | null;
  /** ISO, UTC, or null when the slot has no time. */
  readonly logicalTime: string | null;
  readonly attempt: number;
  /** The run whose rejects are scored again: chunks without rejects are taken over from it. Absent in other plans. */
  readonly replayOf?: string;
  /** ISO, UTC, milliseconds. */
  readonly createdAt: string;
  /** The lineage column: --as-of, else the slot's time, else createdAt. */
  readonly scoredAt: string;
  readonly outputUri: string;
  readonly state: string;
  readonly model: ModelInfo & { readonly uri: string; readonly name: string; readonly version: string | null };
  readonly binding: Binding;
  /** Columns of the output in order. */
  readonly outputColumns: readonly OutputColumn[];
  readonly files: readonly PlannedFile[];
  readonly skipped: readonly SkippedFile[];
  /** Tables with a log that files were taken from, pinned; absent without. */
  readonly tables?: readonly TableVersion[];
  readonly chunks: readonly PlannedChunk[];
  readonly batchRows: number;
  /** How batches go to the model, so that rows get the same bits in all of them; absent where no way was found or none was looked for. */
  readonly exact?: PlanExact;
  readonly fingerprints: Fingerprints;
  readonly versions: Versions;
}

export interface OutputColumn {
  readonly name: string;
  readonly type: string;
  readonly role: 'id' | 'passthrough' | 'prediction' | 'lineage';
}

export interface PlannedFile {
  readonly uri: string;
  readonly size: number;
  /** Pinned: bytes of another version are never scored. */
  readonly etag: string;
  readonly format: FileFormat;
  /** Null for an Arrow stream and for text. */
  readonly rows: number | null;
  /** The columns that this job reads, with this file's types, and those that it computes of them. */
  readonly columns: readonly ColumnInfo[];
  /** Of a CSV or JSONL file. */
  readonly text?: TextLayout;
  /** Values of input.pathColumns and of a table's partition columns, as texts that DuckDB casts exactly; null for a null, and for a column of nothing but nulls. */
  readonly pathValues: Readonly<Record<string, string | null>>;
  /** Rows of it that its table has deleted: none that are scored. */
  readonly deleted?: DeletedRows;
}

/** Where the deletion vector of a file lies: in a file of a store, or in the log itself. */
export interface DeletedRows {
  readonly uri: string | null;
  /** Z85, as the log has it; null for one in a file. */
  readonly inline: string | null;
  /** Of its frame in the file, in bytes, and the length of the bitmap alone. */
  readonly offset: number;
  readonly bytes: number;
  /** How many rows are deleted. */
  readonly rows: number;
}

/** A version of a table that keeps a log of which of its files count. */
export interface TableVersion {
  readonly format: 'delta';
  /** Its folder, without a closing slash. */
  readonly uri: string;
  readonly version: number;
}

export interface SkippedFile {
  readonly uri: string;
  readonly code: string;
  readonly message: string;
}

/** Rows [rowStart, rowEnd) of one file: whole row groups or record batches. rowEnd is null for an Arrow stream and for text. */
export interface Slice {
  readonly file: number;
  readonly rowStart: number;
  readonly rowEnd: number | null;
}

export interface PlannedChunk {
  readonly n: number;
  readonly slices: readonly Slice[];
  /** Null when a slice is an Arrow stream or text. */
  readonly rows: number | null;
  /** Bytes on disk of the columns read: the weight for longest-first dispatch and for the byte budget. */
  readonly bytes: number;
}

export interface Fingerprints {
  /** Lower-case hex; equal for runs that mean the same predictions. */
  readonly result: string;
  /** Lower-case hex; equal for runs that give the same bytes. */
  readonly resume: string;
  /** Field of the job -> digest of its value: names what differs between two runs. */
  readonly resumeFields: Readonly<Record<string, string>>;
}

export interface Versions {
  readonly prescore: string;
  readonly duckdb: string;
  readonly onnxruntime: string;
}
