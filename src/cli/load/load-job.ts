import { referredModel, type WrittenJob } from '../../base/contract/job.ts';
import { REGISTRY_VARIABLE } from '../../base/contract/model-ref.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { parseJob } from '../../job/parse/parse-job.ts';
import { readSpec } from './read-spec.ts';

/**
 * Reads and checks a job file. Where it names a model of a registry and no registry, that is PRESCORE_REGISTRY, and none without it:
 * whoever needs no model needs no registry either.
 *
 * Errors: SPEC_NOT_FOUND and those of `parseJob`; URI_INVALID for what the environment says.
 */
export function loadJob(path: string): WrittenJob {
  return withRegistry(parseJob(...readSpec(path, 'job file')), process.env);
}

/** A job with the registry of the environment where it needs one and names none. Errors: URI_INVALID. */
export function withRegistry(job: WrittenJob, env: NodeJS.ProcessEnv): WrittenJob {
  const model = referredModel(job);
  const said = env[REGISTRY_VARIABLE] ?? '';
  if (model === null || model.registry !== null || said === '') return job;
  const registry = resolveUri(said, process.cwd()).replace(/(?<=.)\/+$/, '');
  return Object.freeze({ ...job, model: Object.freeze({ ...model, registry }) });
}
