import type { WrittenJob } from '../../base/contract/job.ts';
import type { Clock } from './clock.ts';
import { JobTimetable } from './job-timetable.ts';
import type { ScheduleDeps, ScheduledJob } from './schedule-deps.ts';

/** How often job files are read again. */
export const REREAD_MS = 10_000;

export interface TimetablesOptions {
  /** The jobs as they are now. Called at the start and every ten seconds; must not raise. */
  readonly read: () => readonly WrittenJob[];
  readonly depsOf: (job: ScheduledJob) => ScheduleDeps;
  readonly clock: Clock;
  readonly isOnce: boolean;
  /** A job that is new, changed or gone. */
  readonly onChange: (job: WrittenJob, change: 'added' | 'changed' | 'removed') => void;
}

interface Running {
  job: ScheduledJob;
  readonly timetable: JobTimetable;
  readonly stop: AbortController;
  ended: Promise<void>;
}

/**
 * The timetables of all jobs that have a schedule: begun when their file appears, changed with it, and ended with it. Settles
 * when it is stopped and no slot is in work here; once only, when nothing is left to do now.
 *
 * Errors: with `isOnce` those of the store.
 */
export async function runTimetables(options: TimetablesOptions, stop: AbortSignal): Promise<void> {
  const { clock, isOnce } = options;
  const running = new Map<string, Running>();
  const leaving = new Set<Promise<void>>();
  const onStop = (): void => {
    for (const { stop: end } of running.values()) end.abort();
  };
  stop.addEventListener('abort', onStop);
  try {
    while (!stop.aborted) {
      const jobs = new Map(options.read().flatMap((job) => (isScheduled(job) ? [[keyOf(job), job] as const] : [])));
      for (const [key, entry] of running) {
        if (jobs.has(key)) continue;
        options.onChange(entry.job, 'removed');
        entry.stop.abort();
        running.delete(key);
        const left = entry.ended.finally(() => leaving.delete(left));
        leaving.add(left);
      }
      for (const [key, job] of jobs) takeUp(key, job, running, options);
      if (isOnce) break;
      await clock.until(clock.now() + REREAD_MS, stop);
    }
    const ends = await Promise.allSettled([...[...running.values()].map((r) => r.ended), ...leaving]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

/** Two files of one name that share their state are one job. */
export function keyOf(job: WrittenJob): string {
  return `${job.state} ${job.name}`;
}

function takeUp(key: string, job: ScheduledJob, running: Map<string, Running>, options: TimetablesOptions): void {
  const known = running.get(key);
  if (known === undefined) {
    options.onChange(job, 'added');
    const timetable = new JobTimetable(job, options.depsOf(job));
    const stop = new AbortController();
    running.set(key, { job, timetable, stop, ended: timetable.run(stop.signal) });
  } else if (known.job !== job) {
    options.onChange(job, 'changed');
    known.job = job;
    known.timetable.update(job);
  }
}

function isScheduled(job: WrittenJob): job is ScheduledJob {
  return job.schedule !== null;
}
