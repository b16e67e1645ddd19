import type { Binding } from '../../base/contract/binding.ts';
import type { ExactFinding, ExactPolicy } from '../../base/contract/exact.ts';
import type { CsvSettings, InputFormat } from '../../base/contract/job.ts';
import type { ModelAbout } from '../../base/contract/model-about.ts';
import type { ModelFile } from '../../base/contract/model-files.ts';
import type { StoreConfig } from '../../base/contract/object-store.ts';
import type { OutputColumn, PlannedChunk } from '../../base/contract/plan.ts';
import type { ChunkResult, PartRecord } from '../../base/contract/records.ts';
import type { RowTrial } from '../../base/contract/row-dependence.ts';
import type { ModelInfo, TreesOption } from '../../base/contract/signature.ts';
import type { ColumnInfo, FileDescription } from '../../base/contract/table.ts';
import type { ErrorJson } from '../../base/errors/prescore-error.ts';
import type { CertifyWish } from '../../model/certify/certify-session.ts';
import type { PackedFiles } from './file-table.ts';

/** What a scorer child is given once, at its start. */
export interface ChildOptions {
  readonly stores: Readonly<Record<string, StoreConfig>>;
  readonly scratchDir: string;
  readonly scratchBytes: number;
  /** Ceiling of DuckDB in this child, in bytes. */
  readonly duckMemoryBytes: number;
  /** What one batch may need beside the model, in bytes. */
  readonly batchBytes: number;
  /** Batches have their rows divided by this: more than 1 after a child went over its share of memory. */
  readonly batchDivisor: number;
  /** ONNX Runtime threads, each with a session of its own. */
  readonly threads: number;
  /** Slabs of feeds that may be in flight. */
  readonly slabs: number;
  readonly batchDeadlineMs: number;
}

export interface ModelRequest extends ModelFile {
  readonly intraOpThreads: number;
  readonly trees: TreesOption;
  readonly device: string;
}

/** What a child needs of a plan to score its chunks. */
export interface RunContext {
  readonly runId: string;
  readonly state: string;
  readonly binding: Binding;
  readonly batchRows: number;
  readonly outputColumns: readonly OutputColumn[];
  readonly outputUri: string;
  readonly compression: 'zstd' | 'snappy' | 'none';
  readonly rowGroupRows: number;
  readonly scoredAt: string;
  readonly modelName: string;
  readonly modelVersion: string | null;
  readonly onBadFile: 'fail' | 'skip';
  /** The job's own; absent without. */
  readonly where?: string | undefined;
  readonly columns?: Readonly<Record<string, string>> | undefined;
  /** How batches go to the model; absent: as they come. */
  readonly policy?: ExactPolicy | undefined;
  /** The first rows that are scored are kept for a trial with them. */
  readonly isKept?: boolean | undefined;
}

export interface DescribeRequest {
  readonly uri: string;
  readonly size: number;
  readonly etag: string;
  readonly format: InputFormat;
  readonly csv?: CsvSettings | undefined;
}

export type DescribeResult =
  | { readonly ok: true; readonly file: FileDescription }
  | { readonly ok: false; readonly error: ErrorJson };

/** Descriptions as they come from a child: columns are sent once for all files that have them. */
export interface PackedDescriptions {
  readonly schemas: readonly (readonly ColumnInfo[])[];
  readonly results: readonly (
    | { readonly ok: true; readonly schema: number; readonly file: Omit<FileDescription, 'columns'> }
    | { readonly ok: false; readonly error: ErrorJson }
  )[];
}

export type DeriveResult =
  | { readonly ok: true; readonly computed: readonly ColumnInfo[] }
  | { readonly ok: false; readonly error: ErrorJson };

/** What became of one chunk of a request. */
export type ChunkOutcome =
  | { readonly ok: true; readonly result: ChunkResult }
  | { readonly ok: false; readonly error: ErrorJson };

/** What a probe of batch sizes found. */
export interface ProbeResult {
  /** The size to use. */
  readonly batchRows: number;
  readonly tried: readonly { readonly rows: number; readonly rowsPerSecond: number }[];
  /** Why the model refused a row of zeros; null when it did not. */
  readonly refused: string | null;
  /** Feeds are copied for every batch: this Node's N-API refuses tensors over shared memory. */
  readonly isCopying: boolean;
}

export interface SampleResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly rejected: readonly {
    /** The input file, and the row's number in it from 0. */
    readonly file: string;
    readonly row: number;
    readonly rule: string;
    readonly column: string;
    readonly message: string;
  }[];
  /** What a row's number counts: rows from 0, or lines of a text file from 1. */
  readonly counts: 'row' | 'line';
}

/** Requests of the supervisor, each answered by one reply with the same id. */
export type Request =
  | { readonly kind: 'load'; readonly model: ModelRequest }
  /** What the model's file says of itself. */
  | { readonly kind: 'about'; readonly path: string; readonly where: string }
  | { readonly kind: 'probe'; readonly binding: Binding; readonly most: number }
  /** Are rows scored by themselves? Tried with batches of up to `rows`. */
  | { readonly kind: 'try'; readonly binding: Binding; readonly rows: number }
  /** Do rows get the same bits in every batch? */
  | { readonly kind: 'certify'; readonly binding: Binding | null; readonly wish: CertifyWish }
  | { readonly kind: 'describe'; readonly files: readonly DescribeRequest[] }
  /** What a job's expressions read and give, for each table that has these columns. */
  | {
      readonly kind: 'derive';
      readonly where: string | null;
      readonly columns: Readonly<Record<string, string>>;
      readonly tables: readonly (readonly ColumnInfo[])[];
    }
  | { readonly kind: 'bind'; readonly run: RunContext }
  /** One chunk, or small ones of a run that are walked together, with their files. */
  | {
      readonly kind: 'chunks';
      readonly runId: string;
      readonly chunks: readonly PlannedChunk[];
      readonly files: PackedFiles;
    }
  | { readonly kind: 'empty'; readonly runId: string; readonly n: number }
  /** The first rows of these files, which come in the order of the plan. */
  | {
      readonly kind: 'sample';
      readonly runId: string;
      readonly rows: number;
      readonly files: PackedFiles;
      /** A folder of this machine that gets the feeds of the rows that are scored; left out: none does. */
      readonly feeds?: string | undefined;
    };

export interface Replies {
  readonly load: ModelInfo;
  readonly about: ModelAbout;
  readonly probe: ProbeResult;
  readonly try: RowTrial;
  readonly certify: ExactFinding;
  readonly describe: PackedDescriptions;
  readonly derive: readonly DeriveResult[];
  readonly bind: null;
  readonly chunks: readonly ChunkOutcome[];
  readonly empty: PartRecord;
  readonly sample: SampleResult;
}

export type ToChild =
  | { readonly kind: 'open'; readonly options: ChildOptions }
  | { readonly kind: 'request'; readonly id: number; readonly request: Request };

export type FromChild =
  | { readonly kind: 'reply'; readonly id: number; readonly value: Replies[keyof Replies] }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorJson }
  /** Sent about twice a second. `batchMs`: how long the current batch has been running, 0 when none is. */
  | {
      readonly kind: 'heartbeat';
      readonly rssBytes: number;
      readonly batchMs: number;
      /** Share of the time since the last one in which the main thread was busy, 0 to 1. */
      readonly busy: number;
    }
  | { readonly kind: 'progress'; readonly id: number; readonly rows: number }
  /** The chunk is decoded; the child can begin to fetch and decode another one. */
  | { readonly kind: 'hungry'; readonly id: number };
