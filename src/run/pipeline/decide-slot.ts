import type { Job, WrittenJob } from '../../base/contract/job.ts';
import type { Plan, PlannedFile } from '../../base/contract/plan.ts';
import type { Manifest } from '../../base/contract/records.ts';
import type { RunDone } from '../../base/contract/run-events.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { differingFields, fingerprintsOf, resultFingerprint } from '../../job/slots/fingerprint.ts';
import { partitionFolder } from '../../job/slots/partition-folder.ts';
import { formatRunId, type Slot } from '../../job/slots/run-id.ts';
import { tableRoot } from '../../job/slots/table-root.ts';
import { expandTemplate } from '../../job/values/template.ts';
import { finishCommit, inputsDigest } from '../ledger/commit-run.ts';
import { ManifestChain } from '../ledger/manifest-chain.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { RunLedger } from '../ledger/run-ledger.ts';
import { isSuperseded, refuseOlder } from '../ledger/run-order.ts';
import { listInputs } from '../plan/list-inputs.ts';
import { runDone } from './finish-run.ts';
import type { RunDeps, RunOptions } from './run-deps.ts';
import { isSameRef } from './settle-job.ts';

/** What is to be done about a slot: nothing, or attempt n (which may have begun). */
export type SlotDecision =
  | { readonly kind: 'done'; readonly done: RunDone }
  | {
      readonly kind: 'go';
      readonly attempt: number;
      readonly plan: Plan | null;
      /** The plan whose rejects a new attempt scores again. */
      readonly replays?: Plan;
    };

/** The commits of the output that a slot writes. */
export function chainOf(
  job: Pick<WrittenJob, 'output'>,
  partition: string | null,
  records: RecordStore,
  deps: Pick<RunDeps, 'stores'>,
): ManifestChain {
  const outputUri = expandTemplate(job.output.uri, partition).replace(/\/+$/, '');
  return new ManifestChain(records, deps.stores, `manifests/${partitionFolder(partition)}`, outputUri);
}

/**
 * Looks at the records of a slot and says which attempt is to be worked on, by the table of docs/runs.md. Reads only, but for a
 * commit that was killed at its end, which is finished. Needs no scorers.
 *
 * Errors: RUN_OTHER_DEFINITION, SUPERSEDED, those of listing the inputs and of the store.
 */
export async function decideSlot(
  job: Job,
  slot: Slot,
  options: RunOptions,
  deps: Pick<RunDeps, 'stores' | 'versions' | 'now'>,
): Promise<SlotDecision> {
  const records = new RecordStore(deps.stores, job.state);
  const chain = chainOf(job, slot.partition, records, deps);
  const latest = await latestAttempt(records, slot);
  const committed = latest === null ? null : await findCommitted(latest, chain);
  if (latest !== null && committed !== null) {
    const done = await alreadyDone(job, slot, latest, committed, chain, options, deps);
    if (done !== null) return { kind: 'done', done };
  }
  const current = options.isForced ? null : await chain.current();
  // What was planned before the run that is committed now can be committed no more: the slot is planned anew.
  const isOpen = latest !== null && committed === null && !options.isNewRun && !isSuperseded(latest.plan, current);
  if (isOpen) return { kind: 'go', attempt: latest.plan.attempt, plan: latest.plan };
  const attempt = (latest?.plan.attempt ?? 0) + 1;
  refuseOlder({ logicalTime: slot.logicalTime, createdAt: deps.now().toISOString(), attempt }, current);
  return { kind: 'go', attempt, plan: null };
}

/** Each process finds out for itself what the stores can do before it writes: a plan may come from another one. */
export async function probeStores(job: Job, deps: Pick<RunDeps, 'stores' | 'warn'>): Promise<void> {
  for (const uri of [`${job.state}/`, `${tableRoot(job.output.uri)}/`]) {
    const { store, key } = deps.stores.at(uri);
    const { conditionalPut, conditionalComplete } = await store.probe(key);
    if (!conditionalPut || !conditionalComplete) {
      deps.warn(
        `the store of ${uri} has no conditional writes: two runs at once could overwrite each other; start only one`,
      );
    }
  }
}

/** A plan of a slot with its records. */
export interface Attempt {
  readonly plan: Plan;
  readonly ledger: RunLedger;
}

/**
 * The attempt with the highest number, found by probing upward; null before the first. Plans may be large: the last one alone is read.
 */
export async function latestAttempt(records: RecordStore, slot: Slot): Promise<Attempt | null> {
  const ledgerOf = (attempt: number): RunLedger => new RunLedger(records, formatRunId(slot, attempt));
  let last = 0;
  while (await ledgerOf(last + 1).hasPlan()) last++;
  if (last === 0) return null;
  const ledger = ledgerOf(last);
  const plan = await ledger.readPlan();
  return plan === null ? null : { plan, ledger };
}

/** The manifest of an attempt, current or older; null when it is not committed. */
export async function findCommitted(attempt: Attempt, chain: ManifestChain): Promise<Manifest | null> {
  const note = await attempt.ledger.commitNote();
  const noted = note === null ? null : await chain.read(note.n);
  return noted?.runId === attempt.plan.runId ? noted : chain.findRun(attempt.plan.runId);
}

/** What a committed slot answers; null when it is to be scored again as the next attempt. */
export async function alreadyDone(
  job: Job,
  slot: Slot,
  latest: Attempt,
  committed: Manifest,
  chain: ManifestChain,
  options: RunOptions,
  deps: Pick<RunDeps, 'stores' | 'versions'>,
): Promise<RunDone | null> {
  if (options.isNewRun) return null;
  const { plan, ledger } = latest;
  const current = await chain.current();
  if (current?.runId === plan.runId) await finishCommit(current, chain, ledger, deps.stores, job.output.gcGraceMs);
  const objects = await listInputs(job, slot.partition, deps.stores);
  const stateOf = (f: Pick<PlannedFile, 'size' | 'etag' | 'deleted'>): string =>
    JSON.stringify([f.size, f.etag, f.deleted ?? null]);
  const known = new Map(plan.files.map((f) => [f.uri, stateOf(f)]));
  const skipped = new Set(plan.skipped.map((s) => s.uri));
  const isSame = inputsDigest(objects.filter((o) => !skipped.has(o.uri))) === committed.inputs.digest;
  const changed = isSame
    ? 0
    : Math.max(1, objects.filter((o) => !skipped.has(o.uri) && known.get(o.uri) !== stateOf(o)).length);
  const isMoved = isSameRef(plan.job.model, job.model) && isOtherResult(job, plan, committed);
  // A label that moved is no other definition: as with inputs that changed, the slot is done, and it is said.
  const asked = isMoved ? { ...job, model: plan.job.model } : job;
  const isOther = isOtherResult(asked, plan, committed);
  if (options.isIfChanged && (isOther || isMoved || changed > 0)) return null;
  if (isOther) {
    const modelSha256 = asked.model.sha256 ?? plan.model.sha256;
    const fields = differingFields(
      plan.fingerprints,
      fingerprintsOf({ job: asked, modelSha256, batchRows: plan.batchRows, versions: plan.versions }),
    );
    throw new PrescoreError('RUN_OTHER_DEFINITION', {
      what: `run ${plan.runId} is committed with an older definition (differs in ${fields.join(', ')})`,
      where: plan.outputUri,
    });
  }
  return runDone(plan, committed, {
    records: [],
    chunksResumed: 0,
    inputsChanged: changed,
    alreadyDone: true,
    seconds: 0,
    ...(isMoved ? { namedNow: job.model } : {}),
  });
}

function isOtherResult(job: Job, plan: Plan, committed: Manifest): boolean {
  return resultFingerprint(job, job.model.sha256 ?? plan.model.sha256) !== committed.fingerprints.result;
}
