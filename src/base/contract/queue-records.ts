import type { ErrorJson } from '../errors/prescore-error.ts';
import type { Job, WrittenJob } from './job.ts';
import type { PublishedEvent, RunDone } from './run-events.ts';

/** Who asks for a run: each kind has a queue of its own, and workers take from them in turn. */
export type Origin = 'command' | 'schedule' | 'backfill';

export const ORIGINS: readonly Origin[] = ['command', 'schedule', 'backfill'];

/** `<state>/runs/<runId>/request.<k>.json`, put-if-absent; the highest k holds. Somebody wants this run; live until its end. */
export interface RunRequest {
  readonly format: 1;
  readonly runId: string;
  readonly k: number;
  readonly partition: string | null;
  readonly logicalTime: string | null;
  readonly attempt: number;
  /** Resolved: workers do not read job files. */
  readonly job: Job;
  readonly origin: Origin;
  readonly options: RequestOptions;
  /** Chunks of this run that are in the queue at a time. */
  readonly window: number;
  /** ISO, UTC. */
  readonly requestedAt: string;
  readonly by: string;
}

export interface RequestOptions {
  readonly isForced: boolean;
  readonly allowUnpinned: boolean;
  /** ISO, UTC, whole seconds, from --as-of. */
  readonly asOf: string | null;
}

/** `<state>/runs/<runId>/end.<k>.json`, put-if-absent: what became of request k. The first one written holds. */
export type RunEnd = {
  readonly format: 1;
  readonly runId: string;
  readonly k: number;
  readonly endedAt: string;
  readonly by: string;
} & (
  | { readonly kind: 'done'; readonly done: RunDone }
  | { readonly kind: 'failed'; readonly error: ErrorJson }
  | { readonly kind: 'cancelled' }
);

/** `<state>/runs/<runId>/failures/<k>/<kind>-<n>.<i>.json`, put-if-absent: try i of a task failed. Counted, never cleared. */
export interface TaskFailure {
  readonly format: 1;
  readonly kind: TaskKind;
  readonly n: number;
  readonly i: number;
  readonly error: ErrorJson;
  readonly worker: string;
  readonly at: string;
}

export type TaskKind = 'plan' | 'chunk' | 'commit' | 'publish';

export const TASK_KINDS: readonly TaskKind[] = ['plan', 'chunk', 'commit', 'publish'];

/**
 * `<state>/queue/publications/<id>/request.json`: publish the job's set once, after these runs have ended. So a command that
 * starts many runs publishes once, whoever ends last.
 */
export interface Publication {
  readonly format: 1;
  readonly id: string;
  readonly job: WrittenJob;
  readonly origin: Origin;
  readonly after: readonly string[];
  /** Some run of the command was committed before, so there is something to publish whatever becomes of the others. */
  readonly hasCommitted: boolean;
  /** For `mode: upsert` after one run: its partition. */
  readonly partition: string | null;
  readonly isForced: boolean;
  readonly isRebuild: boolean;
  readonly requestedAt: string;
  readonly by: string;
}

/** `<state>/queue/publications/<id>/end.json`, put-if-absent. `event` is null when nothing was committed. */
export type PublicationEnd = { readonly format: 1; readonly endedAt: string; readonly by: string } & (
  | { readonly kind: 'done'; readonly event: PublishedEvent | null }
  | { readonly kind: 'failed'; readonly error: ErrorJson }
);
