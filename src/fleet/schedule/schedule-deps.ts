import type { JobSchedule, WrittenJob } from '../../base/contract/job.ts';
import type { RunLauncher } from '../../base/contract/run-launcher.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import type { Clock } from './clock.ts';
import type { Ending, ScheduleRecords } from './schedule-records.ts';
import type { SlotResult } from './slot-runner.ts';
import type { ScheduleState } from './slot-state.ts';

/** A job with a schedule. */
export type ScheduledJob = WrittenJob & { readonly schedule: JobSchedule };

/** What a timetable is given from outside; built by the command line. */
export interface ScheduleDeps {
  /** Names this scheduler in records. */
  readonly id: string;
  readonly records: ScheduleRecords;
  readonly launcher: RunLauncher;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends when there is nothing more to do now; slots that wait or that others work on are left. */
  readonly isOnce: boolean;
  /** Called once for a slot that ended here. */
  readonly onEnd: (job: WrittenJob, ending: Ending, result: SlotResult | null) => void;
  /** Called after each launch of a slot. */
  readonly onResult: (job: WrittenJob, slot: number, result: SlotResult) => void;
  /** Called whenever the state changed: for metrics. */
  readonly onState: (job: WrittenJob, state: ScheduleState) => void;
}
