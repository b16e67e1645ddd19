import type { WrittenJob } from '../../base/contract/job.ts';
import type { Report } from '../tree/issues.ts';
import { readCron, shortestGap } from '../values/cron.ts';
import { sayDuration } from '../values/quantities.ts';

/** Rules about the schedule and the webhooks that look at several keys. Errors: none. */
export function lintSchedule(job: WrittenJob, report: Report, isBroken: (...path: string[]) => boolean): void {
  if (job.schedule !== null && !isBroken('schedule')) lintTimes(job, job.schedule, report, isBroken('partitions'));
  const known = new Set<string>();
  for (const [i, { url }] of job.notify.entries()) {
    if (known.has(url))
      report(['notify', i, 'url'], { what: 'stands in the list twice; name all it is for in one `on`' });
    known.add(url);
  }
}

function lintTimes(
  job: WrittenJob,
  schedule: NonNullable<WrittenJob['schedule']>,
  report: Report,
  isPartitionsBroken: boolean,
): void {
  const { cron, offset, jitterMs, waitForInput } = schedule;
  const times = readCron(cron);
  const gap = typeof times === 'string' ? Number.POSITIVE_INFINITY : shortestGap(times);
  if (jitterMs >= gap) {
    report(['schedule', 'jitter'], {
      what: 'could start a slot after the next one',
      expected: `less than the ${sayDuration(gap)} between two slots`,
      got: sayDuration(jitterMs),
    });
  }
  if (offset !== 0 && job.partitions?.kind !== 'every' && !isPartitionsBroken) {
    report(['schedule', 'offset'], { what: 'has no meaning without partitions.every' });
  }
  if (waitForInput !== null && waitForInput.everyMs > waitForInput.forMs) {
    report(['schedule', 'waitForInput', 'every'], {
      what: 'is longer than the wait',
      expected: `at most ${sayDuration(waitForInput.forMs)}`,
      got: sayDuration(waitForInput.everyMs),
    });
  }
}
