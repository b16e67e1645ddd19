import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Versions } from '../../base/contract/plan.ts';
import type { RunEvent } from '../../base/contract/run-events.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import type { ScorerPool } from '../../scoring/pool/scorer-pool.ts';

/** What a run is given from outside; built by the command line. */
export interface RunDeps {
  readonly stores: StoreResolver;
  readonly versions: Versions;
  /** Starts the scorers and loads the model on first use; the same ones afterwards. */
  readonly scorers: () => Promise<LoadedScorers>;
  readonly emit: (event: RunEvent) => void;
  /** Says something that people should know, once per text. */
  readonly warn: (text: string) => void;
  /** Aborted by the first signal: hand out nothing more, finish what is in the children. */
  readonly stop: AbortSignal;
  readonly now: () => Date;
  /** What is found of a model is kept in the state folder; left out where nothing may be written. */
  readonly keepsCertificates?: boolean;
}

export interface LoadedScorers {
  readonly pool: ScorerPool;
  readonly model: ModelInfo;
}

export interface RunOptions {
  readonly isNewRun: boolean;
  readonly isIfChanged: boolean;
  readonly isForced: boolean;
  readonly allowUnpinned: boolean;
  /** ISO, UTC, whole seconds, from --as-of. */
  readonly asOf: string | null;
  /** With --shard: only this share of the chunks is scored. */
  readonly shard?: ShardOption;
  /** The run whose rejects are to be scored again, as the next attempt of its slot. */
  readonly replayOf?: string;
}

/** One of `count` processes that share a run; `index` counts from 0. */
export interface ShardOption {
  readonly index: number;
  readonly count: number;
  /** The run, from --run-id; null when --as-of names the slot. */
  readonly runId: string | null;
}
