import { randomBytes } from 'node:crypto';
import { isSettled, type Job, referredModel, type WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Fingerprints, Versions } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { differingFields, fingerprintsOf } from '../../job/slots/fingerprint.ts';
import type { Partition } from '../../job/slots/partitions.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import { BackfillLog, listBackfills } from './backfill-log.ts';
import { type BackfillRecord, type PartitionState, type Reprocess, STATE_CHARS } from './backfill-record.ts';
import { surveyPartitions } from './survey-partitions.ts';

export interface BackfillOptions {
  readonly reprocess: Reprocess;
  readonly maxActive: number;
  readonly order: 'asc' | 'desc';
  readonly stopOnFailure: boolean;
}

/**
 * Makes the record of a new backfill from what is committed now; writes nothing.
 *
 * Errors: those of the store, and of `settleJob`.
 */
export async function describeBackfill(
  written: WrittenJob,
  partitions: readonly Partition[],
  options: BackfillOptions,
  stores: StoreResolver,
  versions: Versions,
  now: Date,
): Promise<BackfillRecord> {
  const values = partitions.map((p) => p.value);
  const job = await settleJob(written, stores);
  const surveyed = await surveyPartitions(job, values, stores, options.reprocess === 'stale');
  const failed = await failedBefore(job, stores);
  const state = (i: number): PartitionState =>
    surveyed[i]!.state === 'missing' && failed.has(values[i]!) ? 'failed' : surveyed[i]!.state;
  const time = now.toISOString().slice(0, 19).replace(/[-:]/g, '');
  const { result, resumeFields } = definitionOf(written, versions);
  return {
    format: 1,
    id: `${time}Z-${randomBytes(2).toString('hex')}`,
    job: job.name,
    createdAt: now.toISOString(),
    definition: result,
    fields: resumeFields,
    ...options,
    partitions: values,
    found: values.map((_, i) => STATE_CHARS[state(i)]).join(''),
    manifests: surveyed.map((s) => s.n),
  };
}

/** What a job means by a result, known before anything is planned. */
export function definitionOf(written: WrittenJob, versions: Versions): Fingerprints {
  const model = referredModel(written);
  if (model === null && isSettled(written)) {
    const modelSha256 = written.model.sha256 ?? 'unpinned';
    return fingerprintsOf({ job: written, modelSha256, batchRows: 0, versions });
  }
  // A label may move while a backfill goes on: its definition is what the job asks for.
  const { ref, registry, background } = model!;
  const beside = background === undefined ? {} : { background };
  const asked = { uri: '', name: ref, version: null, sha256: null, ...beside };
  return fingerprintsOf({
    job: { ...written, model: asked },
    modelSha256: `${ref} ${registry}`,
    batchRows: 0,
    versions,
  });
}

/** Errors: BACKFILL_OTHER_DEFINITION, naming the fields of the job that changed since the backfill was made. */
export function checkDefinition(record: BackfillRecord, job: WrittenJob, versions: Versions): void {
  const now = definitionOf(job, versions);
  if (now.result === record.definition) return;
  const before: Fingerprints = { result: record.definition, resume: '', resumeFields: record.fields };
  const fields = differingFields(before, now).filter((name) => !/^(versions|execution)\./.test(name));
  throw new PrescoreError('BACKFILL_OTHER_DEFINITION', {
    what: `backfill ${record.id} was made with another definition of the job (differs in ${fields.join(', ')})`,
    where: record.job,
  });
}

// Partitions whose last outcome in any backfill of the job was a failure. Whether they were committed since is in the manifests.
async function failedBefore(job: Job, stores: StoreResolver): Promise<ReadonlySet<string>> {
  const records = new RecordStore(stores, job.state);
  const failed = new Set<string>();
  for (const id of await listBackfills(records)) {
    const { state } = await BackfillLog.open(records, id);
    for (const i of state.failures.keys()) failed.add(state.record.partitions[i]!);
  }
  return failed;
}
