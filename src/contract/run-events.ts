import type { ErrorJson } from '../errors/prescore-error.ts';

/** What a run tells while it goes: one JSON object each with --json, and what the progress line is made of. */
export type RunEvent =
  | {
      readonly event: 'planned';
      readonly runId: string;
      readonly partition: string | null;
      readonly isResumed: boolean;
      readonly files: number;
      readonly skipped: number;
      readonly chunks: number;
      readonly chunksDone: number;
      /** Rows planned and rows of finished chunks; null while an Arrow stream is not counted. */
      readonly rows: number | null;
      readonly rowsDone: number;
    }
  | { readonly event: 'progress'; readonly runId: string; readonly rowsDone: number }
  | {
      readonly event: 'chunk';
      readonly runId: string;
      readonly n: number;
      readonly rows: number;
      readonly rejected: number;
      readonly attempt: number;
      readonly seconds: number;
    }
  | { readonly event: 'committing'; readonly runId: string; readonly parts: number }
  | RunDone
  | {
      readonly event: 'failed';
      readonly runId: string | null;
      readonly partition: string | null;
      readonly error: ErrorJson;
    };

/** The last event of a run that ended well. */
export interface RunDone {
  readonly event: 'done';
  readonly runId: string;
  readonly partition: string | null;
  readonly rows: number;
  readonly rejected: number;
  readonly rejectsByRule: Readonly<Record<string, number>>;
  /** Rows of this start only, over its seconds. */
  readonly rowsPerSecond: number;
  readonly seconds: number;
  readonly output: string;
  readonly rejectsUri: string | null;
  readonly parts: number;
  readonly bytes: number;
  readonly chunksResumed: number;
  /** True when the slot had been committed before and nothing was scored. */
  readonly alreadyDone: boolean;
  readonly inputsChanged: number;
  /** Milliseconds over all children, by stage. */
  readonly stages: StageTimes;
}

export interface StageTimes {
  readonly fetch: number;
  readonly decode: number;
  readonly model: number;
  readonly encode: number;
  readonly store: number;
}
