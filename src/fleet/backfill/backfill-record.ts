/** What is known of one partition. `stale`: committed, but with another model or definition, or from inputs that changed. */
export type PartitionState = 'missing' | 'running' | 'failed' | 'done' | 'stale';

/** One character a partition, in records and maps. */
export const STATE_CHARS: Readonly<Record<PartitionState, string>> = {
  missing: '.',
  running: '>',
  failed: 'x',
  done: '#',
  stale: '~',
};

/** Which partitions are scored besides the missing ones; each takes in the ones before it. */
export const REPROCESS = ['none', 'failed', 'stale', 'completed'] as const;
export type Reprocess = (typeof REPROCESS)[number];

/** `<state>/backfills/<id>.json`: what was asked for, written once by put-if-absent. */
export interface BackfillRecord {
  readonly format: 1;
  readonly id: string;
  readonly job: string;
  /** ISO, UTC. */
  readonly createdAt: string;
  /** Result fingerprint of the job: one backfill is made with one definition. */
  readonly definition: string;
  /** Field of the job -> digest, to name what differs later. */
  readonly fields: Readonly<Record<string, string>>;
  readonly reprocess: Reprocess;
  readonly maxActive: number;
  readonly order: 'asc' | 'desc';
  readonly stopOnFailure: boolean;
  /** Values of all partitions in the range, in order; records name them by position. */
  readonly partitions: readonly string[];
  /** A character of STATE_CHARS for each: what was there at creation. */
  readonly found: string;
  /** Number of each one's manifest at creation; 0 where there was none. */
  readonly manifests: readonly number[];
}

/**
 * `<state>/backfill-log/<id>/<k>.json`: what happened, put-if-absent with k from 1, by whoever drives the backfill and by
 * whoever steers it. The state of a backfill is the fold of its log; a repeated entry changes nothing.
 */
export interface LogEntry {
  readonly format: 1;
  /** ISO, UTC. */
  readonly at: string;
  /** Host and process, for people. */
  readonly by: string;
  /** `stop` is written by the driver after a failure with --stop-on-failure. */
  readonly control?: 'pause' | 'resume' | 'cancel' | 'stop';
  /** What failed is scored again. */
  readonly retry?: 'failed';
  readonly started?: readonly number[];
  /** Interrupted: their runs go on when they are launched again. */
  readonly released?: readonly number[];
  readonly done?: readonly DoneEntry[];
  readonly failed?: readonly FailedEntry[];
  /** Nothing is left, and what is committed is published. */
  readonly ended?: true;
}

export interface DoneEntry {
  readonly i: number;
  readonly rows: number;
  readonly rejected: number;
}

export interface FailedEntry {
  readonly i: number;
  readonly code: string;
  readonly message: string;
}

/** The state of a character; missing for one that is not known. */
export function stateOfChar(char: string | undefined): PartitionState {
  for (const state of ['done', 'failed', 'stale', 'running'] as const) if (STATE_CHARS[state] === char) return state;
  return 'missing';
}

/** Whether a partition that was found so is to be scored. */
export function isAsked(found: PartitionState, reprocess: Reprocess): boolean {
  const needs: Readonly<Record<PartitionState, Reprocess>> = {
    missing: 'none',
    running: 'none',
    failed: 'failed',
    stale: 'stale',
    done: 'completed',
  };
  return REPROCESS.indexOf(needs[found]) <= REPROCESS.indexOf(reprocess);
}
