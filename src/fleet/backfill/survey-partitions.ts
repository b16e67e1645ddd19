import type { Job, WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Manifest } from '../../base/contract/records.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import { resultFingerprint } from '../../job/slots/fingerprint.ts';
import { partitionFolder } from '../../job/slots/partition-folder.ts';
import { expandTemplate } from '../../job/values/template.ts';
import { inputsDigest } from '../../run/ledger/commit-run.ts';
import { ManifestChain } from '../../run/ledger/manifest-chain.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { RunLedger } from '../../run/ledger/run-ledger.ts';
import { listInputs } from '../../run/plan/list-inputs.ts';
import type { PartitionState } from './backfill-record.ts';

const IN_FLIGHT = 32;

/** What the manifests say of one partition. */
export interface Surveyed {
  readonly state: Extract<PartitionState, 'missing' | 'done' | 'stale'>;
  /** Number of the current manifest; 0 when there is none. */
  readonly n: number;
}

/**
 * Looks at the current manifest of each partition: its result fingerprint tells another model or definition, and with
 * `isInputChecked` a listing of the input tells changed files. Nothing is opened.
 *
 * Errors: those of the store. Units: results in the order of `values`.
 */
export async function surveyPartitions(
  job: Job,
  values: readonly string[],
  stores: StoreResolver,
  isInputChecked: boolean,
): Promise<Surveyed[]> {
  const records = new RecordStore(stores, job.state);
  const found = new Array<Surveyed>(values.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < values.length) {
      const i = next++;
      const value = values[i]!;
      const current = await chainOf(job, value, records, stores).current();
      if (current === null) found[i] = { state: 'missing', n: 0 };
      else {
        const sha256 = job.model.sha256 ?? current.model.sha256;
        const isSame = resultFingerprint(job, sha256) === current.fingerprints.result;
        const isFresh = isSame && (!isInputChecked || (await hasSameInputs(job, current, records, stores)));
        found[i] = { state: isFresh ? 'done' : 'stale', n: current.n };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, values.length) }, lane));
  return found;
}

/** Whether a run was committed by manifest `n` or an earlier one of its partition. */
export async function isCommittedBy(
  job: WrittenJob,
  partition: string,
  runId: string,
  n: number,
  stores: StoreResolver,
): Promise<boolean> {
  const manifest = await chainOf(job, partition, new RecordStore(stores, job.state), stores).findRun(runId);
  return manifest !== null && manifest.n <= n;
}

function chainOf(job: WrittenJob, partition: string, records: RecordStore, stores: StoreResolver): ManifestChain {
  const outputUri = expandTemplate(job.output.uri, partition).replace(/\/+$/, '');
  return new ManifestChain(records, stores, `manifests/${partitionFolder(partition)}`, outputUri);
}

async function hasSameInputs(
  job: Job,
  committed: Manifest,
  records: RecordStore,
  stores: StoreResolver,
): Promise<boolean> {
  try {
    const objects = await listInputs(job, committed.partition, stores);
    if (inputsDigest(objects) === committed.inputs.digest) return true;
    // Files that were skipped as bad are not in the digest.
    const skipped = new Set((await new RunLedger(records, committed.runId).readPlan())?.skipped.map((s) => s.uri));
    return skipped.size > 0 && inputsDigest(objects.filter((o) => !skipped.has(o.uri))) === committed.inputs.digest;
  } catch (error) {
    if (isPrescoreError(error) && error.code === 'INPUT_NOT_FOUND') return false;
    throw error;
  }
}
