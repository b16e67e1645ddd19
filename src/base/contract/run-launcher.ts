import type { PrescoreError } from '../errors/prescore-error.ts';
import type { WrittenJob } from './job.ts';
import type { PublishedEvent, RunDone } from './run-events.ts';

/** One slot to run: what a schedule, a backfill or a command asks for. */
export interface LaunchRequest {
  readonly job: WrittenJob;
  readonly partition: string | null;
  /** ISO, UTC, whole seconds; null for a slot without a time. */
  readonly logicalTime: string | null;
  /** Who asks: runs of schedules and backfills share workers fairly. */
  readonly origin: 'command' | 'schedule' | 'backfill';
  readonly isNewRun: boolean;
  readonly isIfChanged: boolean;
}

/** What became of a slot. `waiting`: its input is not there yet; nothing was planned. */
export type LaunchOutcome =
  | { readonly kind: 'done'; readonly done: RunDone }
  | { readonly kind: 'waiting'; readonly why: string }
  | { readonly kind: 'failed'; readonly error: PrescoreError };

/**
 * Runs slots, in this process (embedded) or through the queue (distributed). Schedules and backfills know only this.
 *
 * Call order: any number of `launch`, at the same time too; `publish` once after the last run of a tick; `close`.
 */
export interface RunLauncher {
  /** Runs or resumes a slot to its end. Errors are outcomes. Repeat: a committed slot is answered as done. */
  launch(request: LaunchRequest, stop: AbortSignal): Promise<LaunchOutcome>;
  /** Publishes the job's set from what is committed; null when the job has none or nothing is committed. */
  publish(job: WrittenJob, stop: AbortSignal): Promise<PublishedEvent | null>;
  close(): Promise<void>;
}
