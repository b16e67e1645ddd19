import type { Job } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { parseRunId } from '../../job/slots/run-id.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { loadJob } from '../load/load-job.ts';
import { createStoreResolver } from './open-store.ts';

export interface RecordsFlags {
  readonly state?: string;
}

/** Opens the run records of a job file, or of --state URI (on an S3 of one's own with PRESCORE_S3_ENDPOINT). */
export async function withRecords(
  jobPath: string | undefined,
  flags: RecordsFlags,
  task: (records: RecordStore, stores: StoreResolver) => Promise<number>,
): Promise<number> {
  if ((jobPath === undefined) === (flags.state === undefined)) {
    throw new PrescoreError('USAGE', { what: 'give a job file or --state URI, one of the two' });
  }
  const job = jobPath === undefined ? null : loadJob(jobPath);
  const stores = createStoreResolver(job?.stores ?? ownStores(), { env: process.env });
  try {
    return await task(new RecordStore(stores, job?.state ?? resolveUri(flags.state!, process.cwd())), stores);
  } finally {
    await stores.close();
  }
}

/** Opens the run records for `JOB RUN`, or `RUN` alone with --state. Errors: USAGE. */
export async function withRun(
  first: string | undefined,
  second: string | undefined,
  flags: RecordsFlags,
  task: (records: RecordStore, runId: string) => Promise<number>,
): Promise<number> {
  const isAlone = flags.state !== undefined && second === undefined;
  const runId = isAlone ? first : second;
  if (runId === undefined)
    throw new PrescoreError('USAGE', { what: 'give the run id', expected: 'JOB RUN, or --state URI RUN' });
  parseRunId(runId);
  return await withRecords(isAlone ? undefined : first, flags, (records) => task(records, runId));
}

function ownStores(): Job['stores'] {
  const endpoint = process.env['PRESCORE_S3_ENDPOINT'] ?? '';
  if (endpoint === '') return {};
  return { main: { endpoint, region: null, pathStyle: true, buckets: [] } };
}
