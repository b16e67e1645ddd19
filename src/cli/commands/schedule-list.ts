import type { JobSchedule, WrittenJob } from '../../base/contract/job.ts';
import type { PrescoreError } from '../../base/errors/prescore-error.ts';
import { slotTargets } from '../../fleet/schedule/slot-targets.ts';
import { SlotTimes } from '../../fleet/schedule/slot-times.ts';
import { StoredRecords } from '../../fleet/schedule/stored-records.ts';
import { isFree, newestLease } from '../../run/ledger/lease.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { JobFiles, refuseMissing } from '../load/job-files.ts';
import { printTable } from '../output/print-table.ts';
import { reportError } from '../output/report-error.ts';
import { createStoreResolver } from '../wiring/open-store.ts';

const SHOWN = 3;

interface ListedJob {
  readonly job: string;
  readonly cron: string;
  readonly timezone: string;
  /** ISO, UTC. */
  readonly next: readonly string[];
  /** What the next slot scores; null when it is no single partition. */
  readonly partition: string | null;
  readonly last: { readonly slot: string; readonly state: string; readonly runs: readonly string[] } | null;
}

/** `prescore schedule list`: a line a job. Exit code 2 when a file cannot be used. */
export async function scheduleList(paths: readonly string[], flags: { readonly json?: boolean }): Promise<number> {
  refuseMissing(paths);
  const problems: PrescoreError[] = [];
  const jobs = new JobFiles(paths, (_, error) => problems.push(error)).read();
  const listed: ListedJob[] = [];
  for (const job of jobs) if (job.schedule !== null) listed.push(await describe(job, job.schedule));
  if (flags.json === true) for (const line of listed) process.stdout.write(`${JSON.stringify(line)}\n`);
  else {
    const rows = listed.map((l) => [
      l.job,
      l.cron,
      l.timezone,
      l.next[0] ?? 'never',
      l.partition ?? '',
      l.last?.slot ?? '',
      l.last?.state ?? 'none yet',
    ]);
    if (rows.length === 0)
      process.stdout.write(`No job here has a schedule; one looks like this: schedule: { cron: "0 2 * * *" }\n`);
    else printTable(['job', 'cron', 'zone', 'next', 'partition', 'last slot', 'state'], rows, process.stdout);
  }
  for (const problem of problems) reportError(problem, { isDebug: false, isJson: false });
  return problems.length > 0 ? 2 : 0;
}

async function describe(job: WrittenJob, schedule: JobSchedule): Promise<ListedJob> {
  const times = new SlotTimes(job.name, schedule);
  const now = Date.now();
  const next: number[] = [];
  for (let at = times.next(now); at !== null && next.length < SHOWN; at = times.next(at)) next.push(at);
  const targets = next[0] === undefined ? [] : slotTargets(job, times, next[0]);
  const stores = createStoreResolver(job.stores, { env: process.env });
  try {
    const records = new RecordStore(stores, job.state);
    return {
      job: job.name,
      cron: schedule.cron,
      timezone: schedule.timezone,
      next: next.map(iso),
      partition: targets.length === 1 ? targets[0]!.partition : null,
      last: await lastSlot(job, times, records, now),
    };
  } finally {
    await stores.close();
  }
}

async function lastSlot(
  job: WrittenJob,
  times: SlotTimes,
  records: RecordStore,
  now: number,
): Promise<ListedJob['last']> {
  const slot = times.lastUpTo(now);
  if (slot === null) return null;
  const stored = new StoredRecords(records, job.name);
  const [decision, ending, mark] = [await stored.decision(slot), await stored.ending(slot), await stored.newestMark()];
  if (mark === null) return null;
  const say = (state: string): ListedJob['last'] => ({ slot: iso(slot), state, runs: ending?.runs ?? [] });
  if (ending !== null)
    return say(ending.outcome === 'failed' ? `failed (${ending.error?.code ?? '?'})` : ending.outcome);
  if (decision === null) return say(slot > mark.through ? 'due' : mark.n === 1 ? 'before the first start' : 'missed');
  if (!decision.take) return say(decision.why === 'missed' ? 'missed' : 'skipped (no partition)');
  const lease = await newestLease(records, stored.slotPath(slot));
  return say(lease !== null && !isFree(lease) ? `in work or waiting, on ${lease.host}` : 'left behind');
}

function iso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
