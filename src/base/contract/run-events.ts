import type { ErrorJson } from '../errors/prescore-error.ts';
import type { RunDevices } from './device.ts';
import type { TableVersion } from './plan.ts';

/** What a run tells while it goes: one JSON object each with --json, and what the progress line is made of. */
export type RunEvent =
  | {
      /** Workers were asked for it; `joined`: they had been already. */
      readonly event: 'queued';
      readonly runId: string;
      readonly partition: string | null;
      readonly joined: boolean;
    }
  | {
      readonly event: 'planned';
      readonly runId: string;
      readonly partition: string | null;
      readonly isResumed: boolean;
      readonly files: number;
      readonly skipped: number;
      readonly chunks: number;
      readonly chunksDone: number;
      /** Rows planned and rows of finished chunks; null while an Arrow stream or a text file is not counted. */
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
      readonly filtered?: number;
      readonly attempt: number;
      readonly seconds: number;
    }
  | { readonly event: 'committing'; readonly runId: string; readonly parts: number }
  | {
      readonly event: 'publishing';
      readonly set: string;
      readonly stage: string;
      readonly rows: number;
      readonly of: number;
    }
  | PublishedEvent
  | RunDone
  | {
      readonly event: 'failed';
      readonly runId: string | null;
      readonly partition: string | null;
      readonly error: ErrorJson;
    };

/** What became of the prediction set. */
export interface PublishedEvent {
  readonly event: 'published';
  readonly set: string;
  readonly store: string;
  /** published, upserted; unchanged: it is served already or a newer one is; handed-over: another process does it. */
  readonly outcome: 'published' | 'upserted' | 'unchanged' | 'handed-over';
  readonly why: string | null;
  readonly generation: number | null;
  readonly rows: number;
  readonly duplicates: number;
  readonly withoutKey: number;
  readonly pages: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** The last event of a run that ended well. */
export interface RunDone {
  readonly event: 'done';
  readonly runId: string;
  readonly partition: string | null;
  readonly rows: number;
  readonly rejected: number;
  /** Rows that the job's `where` left out; absent without `where`. */
  readonly filtered?: number;
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
  /** False for a shard that has scored its share while the commit is left to another one. */
  readonly committed: boolean;
  /** With --shard: which one, and the chunks of other shards that had no record when this one ended. */
  readonly shard?: { readonly index: number; readonly count: number; readonly chunksOpen: number };
  readonly inputsChanged: number;
  /** What it was scored with. Absent in records of older versions. */
  readonly model?: DoneModel;
  /** Versions of tables that the input is of; absent for plain files. */
  readonly tables?: readonly TableVersion[];
  /** Milliseconds over all children, by stage. */
  readonly stages: StageTimes;
  /** What was asked for, and what chunks were scored on; empty `granted` when none was scored. */
  readonly device: RunDevices;
  /** Share of the time in which chunks were scored here that no batch ran on the GPU, 0 to 1; null on the CPU. */
  readonly gpuIdle: number | null;
  /** That time; null when nothing was scored here. */
  readonly scoringSeconds: number | null;
}

/** The model of a run; `ref` and `registry` where a registry said which it is. */
export interface DoneModel {
  readonly name: string;
  readonly version: string | null;
  readonly sha256: string;
  readonly ref?: string;
  readonly registry?: string;
  /** What the label names now, where it moved since; the slot is done with what it named then. */
  readonly now?: { readonly version: string | null; readonly sha256: string | null };
}

export interface StageTimes {
  readonly fetch: number;
  readonly decode: number;
  readonly model: number;
  readonly encode: number;
  readonly store: number;
}
