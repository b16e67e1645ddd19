import type { ExactOption } from './exact.ts';
import type { StoreConfig } from './object-store.ts';
import type { TreesOption } from './signature.ts';

/**
 * A job file after parsing: defaults filled in, units resolved, URIs absolute (templates keep `{partition}`). Frozen. Which model it
 * is may be left to a registry: what plans, scores or compares needs a `Job`.
 */
export interface WrittenJob {
  readonly name: string;
  readonly stores: Readonly<Record<string, StoreConfig>>;
  /** Where run records live: an absolute URI. Default: `<table root>/_prescore`. */
  readonly state: string;
  readonly model: JobModel | ReferredModel;
  readonly input: JobInput;
  readonly partitions: JobPartitions | null;
  /** SQL that is true for the rows to score. This and the next are left out where the job says nothing, for its fingerprint's sake. */
  readonly where?: string;
  /** Name -> SQL over the source columns. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Tensor name -> feature. Null: every input of the model is bound by its name. */
  readonly features: Readonly<Record<string, FeatureSpec>> | null;
  /** Prediction column -> output. Null: every tensor output under its own name. */
  readonly outputs: Readonly<Record<string, OutputSpec>> | null;
  readonly id: readonly string[];
  readonly passthrough: readonly string[];
  readonly output: JobOutput;
  readonly predictions: JobPredictions | null;
  readonly execution: JobExecution;
  readonly rejects: { readonly limit: RejectLimit };
  /** Null: `prescore schedule` passes over the job. */
  readonly schedule: JobSchedule | null;
  readonly notify: readonly JobNotify[];
}

/** A job whose model is known: by its file, or by what a registry said of its `ref`. */
export interface Job extends WrittenJob {
  readonly model: JobModel;
}

/** A model as a job file names it in a registry, before that was asked. */
export interface ReferredModel {
  /** As it was written: `delay@production`, `delay/7`, `delay@sha256:…`. */
  readonly ref: string;
  /** An absolute URI, of the job file or of the environment; null when neither names one. */
  readonly registry: string | null;
  readonly background?: JobModel['background'];
}

/** Whether the model of a job is known without asking a registry. */
export function isSettled(job: WrittenJob): job is Job {
  return 'uri' in job.model;
}

/** What a registry is to be asked for; null of a job whose model is known. */
export function referredModel({ model }: Pick<WrittenJob, 'model'>): ReferredModel | null {
  return 'uri' in model ? null : model;
}

export interface JobModel {
  readonly uri: string;
  /** For lineage; default: the file's name without its ending. */
  readonly name: string;
  readonly version: string | null;
  /** Lower-case hex; null only with --allow-unpinned. */
  readonly sha256: string | null;
  /** A Parquet file of rows beside which it is explained. Left out where the job says nothing, for its fingerprint's sake. */
  readonly background?: { readonly uri: string; readonly sha256: string };
  /** What a registry was asked for, and its absolute URI; left out of models that are named by their file. */
  readonly ref?: string;
  readonly registry?: string;
}

export interface JobInput {
  /** Absolute URI templates with globs. */
  readonly uris: readonly string[];
  readonly format: InputFormat;
  /** Left out where the job says nothing, so that jobs of before keep their fingerprints. */
  readonly csv?: CsvSettings;
  readonly schema: Readonly<Record<string, string>> | null;
  /** What keeps a log of the files, where the job says so; `version` null: the newest. Left out as `csv` is. */
  readonly table?: { readonly format: 'delta'; readonly version: number | null };
  /** Hive path segment -> type; only these become columns. */
  readonly pathColumns: Readonly<Record<string, string>>;
  readonly onBadFile: 'fail' | 'skip';
  /** Accept columns whose values DuckDB would change (zoned nanoseconds, INT96 below a microsecond, durations). */
  readonly lossy: boolean;
}

export type InputFormat = 'auto' | 'parquet' | 'arrow' | 'csv' | 'jsonl';

/** What a job says of its CSV files; null: the file's first lines decide, or the default holds. */
export interface CsvSettings {
  readonly delimiter: string | null;
  /** `none`: no character is special. */
  readonly quote: string;
  readonly escape: string | null;
  readonly header: boolean | null;
  readonly names: readonly string[] | null;
  readonly nulls: readonly string[];
  readonly decimal: '.' | ',';
  readonly dateFormat: string | null;
  readonly timestampFormat: string | null;
}

export type JobPartitions =
  | { readonly kind: 'values'; readonly values: readonly string[] }
  | {
      readonly kind: 'every';
      readonly every: 'hour' | 'day' | 'month';
      /** strftime subset: %Y %m %d %H. */
      readonly format: string;
      /** ISO date or date-time, UTC. */
      readonly start: string;
    };

export type NullPolicy = 'nan' | 'reject' | { readonly fill: number | string | boolean };

export type FeatureSpec =
  | {
      readonly kind: 'columns';
      readonly columns: readonly string[];
      readonly nulls: NullPolicy | null;
      /** Of a list column for an open axis. These two are left out where the job says nothing, for its fingerprint's sake. */
      readonly pad?: ConstantValue;
      readonly maxLength?: number;
    }
  /** 1 where the lists of another input have an element, 0 where they are padded. */
  | { readonly kind: 'mask'; readonly of: string }
  | { readonly kind: 'value'; readonly value: ConstantValue };

export type ConstantValue = number | string | boolean | readonly ConstantValue[];

export type OutputSpec = TensorOutput | ExplainOutput;

export interface TensorOutput {
  readonly tensor: string;
  readonly index: number | null;
  readonly argmax: boolean;
  readonly labels: readonly (string | number)[] | null;
}

/** Contributions of features to the raw score: why a row is scored as it is. */
export interface ExplainOutput {
  readonly explain: 'top' | 'contributions';
  /** Of `top`: how many features. */
  readonly count: number | null;
  /** Of `top`: of which score; null: of the only one, or of the highest class. */
  readonly index: number | null;
}

/** Of `explain: top` the names are one column, and this behind its name is the column of their contributions. */
const CONTRIBUTIONS = '_contributions';

/** Columns that an entry of `outputs` becomes. */
export function columnsOfOutput(name: string, spec: OutputSpec): readonly string[] {
  return 'explain' in spec && spec.explain === 'top' ? [name, `${name}${CONTRIBUTIONS}`] : [name];
}

export interface JobOutput {
  /** Absolute URI template. */
  readonly uri: string;
  readonly compression: 'zstd' | 'snappy' | 'none';
  readonly rowGroupRows: number;
  /** Adds scored_at, model_name, model_version, run_id. */
  readonly lineage: boolean;
  readonly gcGraceMs: number;
}

/** Publication of the predictions for lookups by key. */
export interface JobPredictions {
  /** `lmdb:/abs/folder` or a Redis address without user information. */
  readonly store: string;
  readonly set: string;
  readonly key: readonly string[];
  /** Null: the columns of the output that are predictions. */
  readonly values: readonly string[] | null;
  readonly scope: 'latest' | 'union';
  readonly mode: 'replace' | 'upsert';
  readonly onDuplicateKey: 'last' | 'error';
  /** Null: never expires. */
  readonly ttlMs: number | null;
  readonly keep: number;
}

export interface JobExecution {
  /** Number of scorer children; 'auto': one per core. */
  readonly scorers: number | 'auto';
  readonly intraOpThreads: number;
  readonly trees: TreesOption;
  /** Left out where it is `prefer`. */
  readonly exact?: ExactOption;
  readonly batchRows: number | 'auto';
  readonly chunkRows: number | 'auto';
  readonly memoryBytes: number | 'auto';
  readonly scratchBytes: number;
  readonly device: string;
  readonly cuda: { readonly tf32: boolean };
  readonly batchDeadlineMs: number;
}

/** When `prescore schedule` runs the job. */
export interface JobSchedule {
  /** Five fields. */
  readonly cron: string;
  /** A name of the IANA database. */
  readonly timezone: string;
  /** 0 or less: how many partitions before the latest ended one. */
  readonly offset: number;
  readonly catchUp: 'none' | 'last' | 'all';
  readonly overlap: 'forbid' | 'allow' | 'replace';
  readonly jitterMs: number;
  readonly waitForInput: {
    readonly forMs: number;
    readonly everyMs: number;
    /** Name of a file beside the input. */
    readonly marker: string | null;
  } | null;
}

/** A webhook that is told of the end of runs. */
export interface JobNotify {
  readonly url: string;
  /** Environment variable of the secret; null: messages are not signed. */
  readonly secretEnv: string | null;
  readonly on: readonly ('done' | 'failed' | 'rejects')[];
}

export type RejectLimit = { readonly rows: number } | { readonly percent: number };
