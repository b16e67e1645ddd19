import type { ExactPolicy } from '../../base/contract/exact.ts';
import type { Job } from '../../base/contract/job.ts';
import type { Fingerprints, Versions } from '../../base/contract/plan.ts';
import { digestOf } from './canonical-json.ts';

/** What decides a run's results and bytes, once the plan has resolved what the job left open. */
export interface FingerprintInput {
  readonly job: Job;
  /** Of the bytes that are scored, also when the job file does not pin them. */
  readonly modelSha256: string;
  /** Rows; `auto` resolved. */
  readonly batchRows: number;
  readonly versions: Versions;
  /** How batches go to the model; absent: as they come. */
  readonly policy?: ExactPolicy | undefined;
}

/**
 * The definition of a job's results: any change to it gives another result fingerprint. Only job and model are asked, so
 * that a finished slot can be judged without planning: how features bind follows from them and from the input's columns.
 *
 * Errors: none. Source: ARCHITECTURE.md, "Rules that the code rests on".
 */
export function resultFields(job: Job, modelSha256: string): Readonly<Record<string, unknown>> {
  const { lineage } = job.output;
  return {
    // A new label on the same bytes changes the output only where labels are written.
    model: {
      sha256: modelSha256,
      ...(lineage ? { name: job.model.name, version: job.model.version } : {}),
      // Where it lies is no matter.
      ...(job.model.background === undefined ? {} : { background: job.model.background.sha256 }),
    },
    input: job.input,
    // Only where they are there: jobs of before keep their fingerprints.
    ...(job.where === undefined ? {} : { where: job.where }),
    ...(job.columns === undefined ? {} : { columns: job.columns }),
    features: job.features,
    // As a list: the order of the prediction columns is part of the result.
    outputs: job.outputs === null ? null : Object.entries(job.outputs),
    id: job.id,
    passthrough: job.passthrough,
    'output.uri': job.output.uri,
    'output.lineage': lineage,
  };
}

/** The result fingerprint alone: two runs with equal ones mean the same predictions. Errors: none. */
export function resultFingerprint(job: Job, modelSha256: string): string {
  return digestOf(resultFields(job, modelSha256));
}

/**
 * Both fingerprints. The resume fingerprint adds what changes bytes but not meaning; an unfinished run continues only
 * under an equal one. `resumeFields` keeps a digest a field, for `differingFields`.
 *
 * Errors: none. Repeat: safe; equal inputs give equal texts on every machine.
 */
export function fingerprintsOf({ job, modelSha256, batchRows, versions, policy }: FingerprintInput): Fingerprints {
  const result = resultFields(job, modelSha256);
  const fields: Readonly<Record<string, unknown>> = {
    ...result,
    'output.compression': job.output.compression,
    'output.rowGroupRows': job.output.rowGroupRows,
    'execution.batchRows': batchRows,
    'execution.device': job.execution.device,
    // Only where it is on: plans that were made before there was such a key go on.
    ...(job.execution.cuda?.tf32 === true ? { 'execution.cuda.tf32': true } : {}),
    // As above.
    ...(job.execution.trees === 'onnxruntime' ? { 'execution.trees': 'onnxruntime' } : {}),
    // As above.
    ...(policy === undefined || policy === 'plain' ? {} : { 'execution.exact': policy }),
    'execution.intraOpThreads': job.execution.intraOpThreads,
    'versions.prescore': versions.prescore,
    'versions.duckdb': versions.duckdb,
    'versions.onnxruntime': versions.onnxruntime,
  };
  const resumeFields = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, digestOf(value).slice(0, FIELD_DIGEST_LENGTH)]),
  );
  return { result: digestOf(result), resume: digestOf(fields), resumeFields };
}

/** Hexadecimal digits; enough to tell two values of one field apart. */
const FIELD_DIGEST_LENGTH = 16;

/** The fields in which two runs differ, in a fixed order, to be named by RUN_INCOMPATIBLE. Errors: none. */
export function differingFields(before: Fingerprints, after: Fingerprints): readonly string[] {
  const names = new Set([...Object.keys(before.resumeFields), ...Object.keys(after.resumeFields)]);
  return [...names].filter((name) => before.resumeFields[name] !== after.resumeFields[name]);
}
