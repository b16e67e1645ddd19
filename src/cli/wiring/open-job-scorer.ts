import type { ExactPolicy } from '../../base/contract/exact.ts';
import type { Job } from '../../base/contract/job.ts';
import type { JobScorer } from '../../base/contract/job-scorer.ts';
import type { LiveModel } from '../../base/contract/live-model.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { GivenModel } from '../../inference/host/live-model-host.ts';
import { openJobScorer } from '../../inference/job/job-scorer.ts';
import { nameOf, subjectOf } from '../../model/certify/certificate.ts';
import { readCertificate } from '../../run/ledger/certificates.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { bindFeatures } from '../../scoring/tensor/bind-features.ts';
import { bindOutputs } from '../../scoring/tensor/bind-outputs.ts';
import { nameReasons } from '../../scoring/tensor/bind-reasons.ts';
import { neededByJob, refuseExpressions } from '../load/refuse-expressions.ts';
import { fetchModel } from '../processes/fetch-model.ts';
import { liveColumnTypes } from './live-columns.ts';
import { readVersions } from './versions.ts';

export interface JobScorerDeps {
  readonly stores: StoreResolver;
  /** A folder of the process, for the model's file. */
  readonly scratchDir: string;
  readonly allowUnpinned: boolean;
  /** Loads the model of the job, fetched, and warms it up. */
  readonly addModel: (model: GivenModel) => Promise<LiveModel>;
}

/**
 * The live scorer of a job: its model is fetched and loaded, and bound to the columns as a run would bind it.
 *
 * Errors: SPEC_INVALID for `where` and computed features; MODEL_*, SIGNATURE_MISMATCH, INPUT_SCHEMA; those of `fetchModel`, `liveColumnTypes` and `addModel`.
 */
export async function openLiveJob(job: Job, deps: JobScorerDeps): Promise<JobScorer> {
  refuseExpressions(job);
  const { stores, scratchDir, allowUnpinned } = deps;
  const { path, weights, background, sha256 } = await fetchModel(job, stores, scratchDir, allowUnpinned);
  const { name, version, uri } = job.model;
  const exact = job.execution.exact ?? 'prefer';
  const policy = exact === 'off' ? null : await keptPolicy(job, sha256, stores);
  const model = await deps.addModel({ name, version, file: { path, weights, background }, sha256, exact, policy });
  refuseExpressions(job, neededColumns(job, model));
  const types = await liveColumnTypes(job, stores, neededColumns(job, model));
  const features = bindFeatures(job.features, model.signature, types, `${job.name} and ${uri}`);
  const outputs = nameReasons(bindOutputs(job.outputs, model.signature, uri), model.signature, features.inputs);
  return openJobScorer({ job, binding: { ...features, outputs }, types, model });
}

function neededColumns(job: Job, model: LiveModel): string[] {
  if (job.features === null) return model.signature.inputs.map((input) => input.name);
  return neededByJob(job);
}

// As runs have found it: a server makes none of its own, as it may not write there.
async function keptPolicy(job: Job, sha256: string, stores: StoreResolver): Promise<ExactPolicy | null> {
  const subject = subjectOf(sha256, readVersions(), job.execution.intraOpThreads);
  const records = new RecordStore(stores, job.state);
  return (await readCertificate(records, nameOf(subject)))?.policy ?? null;
}
