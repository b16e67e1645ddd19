import type { StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { hashPartition, parseRunId } from '../../job/slots/run-id.ts';
import { newestRunId } from '../../run/ledger/list-runs.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { loadJob } from '../load/load-job.ts';
import { createStoreResolver } from './open-store.ts';

export interface RecordsFlags {
  readonly state?: string;
  /** Narrows "the newest run" to one partition. */
  readonly partition?: string;
}

/** Opens the run records of a job file, or of --state URI. */
export async function withRecords(
  jobPath: string | undefined,
  flags: RecordsFlags,
  task: (records: RecordStore, stores: StoreResolver) => Promise<number>,
): Promise<number> {
  if ((jobPath === undefined) === (flags.state === undefined)) {
    throw new PrescoreError('USAGE', { what: 'give a job file or --state URI, one of the two' });
  }
  const job = jobPath === undefined ? null : loadJob(jobPath);
  const stores = createStoreResolver(job?.stores ?? {}, { env: process.env });
  try {
    return await task(new RecordStore(stores, job?.state ?? resolveUri(flags.state!, process.cwd())), stores);
  } finally {
    await stores.close();
  }
}

/**
 * The records and the run that `JOB [RUN]`, or `[RUN]` with --state, names: the newest one when none is named, for commands that
 * only look. Errors: USAGE; RUN_NOT_FOUND when there is no run at all.
 */
export async function withRun(
  first: string | undefined,
  second: string | undefined,
  flags: RecordsFlags,
  task: (records: RecordStore, runId: string, stores: StoreResolver) => Promise<number>,
): Promise<number> {
  const { jobPath, runId } = lookArguments(first, second, flags);
  return withRecords(jobPath, flags, async (records, stores) => {
    const found = runId ?? (await newestRunId(records, isOfPartition(flags.partition)));
    if (found !== null) return task(records, found, stores);
    const of = flags.partition === undefined ? '' : ` of partition ${flags.partition}`;
    const fix = `Run the job first: prescore run JOB${of === '' ? '' : ` --partition ${flags.partition}`}.`;
    throw new PrescoreError('RUN_NOT_FOUND', { what: `there is no run${of} yet`, where: `${records.uri}/runs`, fix });
  });
}

/** Tells runs of a partition by their ids; every run when none is named. */
export function isOfPartition(partition: string | undefined): (runId: string) => boolean {
  if (partition === undefined) return () => true;
  const hash = hashPartition(partition);
  return (runId) => runId.split('.').at(-3) === hash;
}

/** The records and the run that `JOB RUN`, or `RUN` alone with --state, names, for commands that change it. Errors: USAGE. */
export async function withNamedRun(
  first: string | undefined,
  second: string | undefined,
  flags: RecordsFlags,
  task: (records: RecordStore, runId: string) => Promise<number>,
): Promise<number> {
  const { jobPath, runId } = lookArguments(first, second, flags);
  if (runId === null)
    throw new PrescoreError('USAGE', { what: 'give the run id', expected: 'JOB RUN, or --state URI RUN' });
  return withRecords(jobPath, flags, (records) => task(records, runId));
}

/** What `JOB [RUN]`, or `[RUN]` with --state, names; `runId` null where none is named. Errors: USAGE for a run id that is none. */
export function lookArguments(
  first: string | undefined,
  second: string | undefined,
  flags: RecordsFlags,
): { readonly jobPath: string | undefined; readonly runId: string | null } {
  const isAlone = flags.state !== undefined && second === undefined;
  const runId = (isAlone ? first : second) ?? null;
  if (runId !== null) parseRunId(runId);
  return { jobPath: isAlone ? undefined : first, runId };
}
