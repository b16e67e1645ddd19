import {
  isSettled,
  type Job,
  type JobModel,
  type ReferredModel,
  referredModel,
  type WrittenJob,
} from '../../base/contract/job.ts';
import { parseModelRef } from '../../base/contract/model-ref.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { ModelRef, RegistryReader, ResolvedModel } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { openRegistryAt } from '../../registry/store/registry.ts';

/**
 * A job with the model that its `ref` names now: its file, name, version and digest, as a job file would pin them. A job that names
 * a file is given back as it is. Credentials are those of the job's stores.
 *
 * Errors: SPEC_INVALID where no registry is named, REGISTRY_UNKNOWN with what there is, MODEL_UNPINNED, REGISTRY_CORRUPT; those of the store.
 */
export async function settleJob(written: WrittenJob, stores: StoreResolver): Promise<Job> {
  if (isSettled(written)) return written;
  const model = referredModel(written)!;
  const registry = requireRegistry(model);
  const found = await openRegistry(registry, stores).resolve(refOf(model));
  return { ...written, model: modelOf(found, { ...model, registry }) };
}

/** Whether a job names its model by a label, which may move. Errors: SPEC_INVALID. */
export function isByLabel(written: WrittenJob): boolean {
  const model = referredModel(written);
  return model !== null && refOf(model).by === 'label';
}

/** What a registry was asked for, to be recorded beside what it said; nothing of a model that is named by its file. */
export function refFields({ ref, registry }: JobModel): Pick<JobModel, 'ref' | 'registry'> {
  return ref === undefined || registry === undefined ? {} : { ref, registry };
}

function refOf({ ref }: ReferredModel): ModelRef {
  const parsed = parseModelRef(ref);
  if (typeof parsed !== 'string') return parsed;
  throw new PrescoreError('SPEC_INVALID', { what: `model.ref ${parsed}`, where: 'model.ref', got: ref });
}

/** Whether a model came by what another one, or a job file, asks for: then only the registry can have changed. */
export function isSameRef(model: JobModel, asked: JobModel | ReferredModel): boolean {
  return model.ref !== undefined && model.ref === asked.ref && model.registry === asked.registry;
}

/**
 * The model of a plan that was made of the same label, while the label names another one by now: what has begun with a version goes
 * on with it.
 *
 * Errors: REGISTRY_UNKNOWN when that version is gone, naming the run; those of the store.
 */
export async function modelOfPlan(begun: JobModel, runId: string, stores: StoreResolver): Promise<JobModel> {
  const { name, version, ref, registry } = begun;
  const by = { name, by: 'version', version: Number(version) } as const;
  const fix = 'Start it again with what the job names now: prescore run JOB --new-run.';
  const what = `run ${runId} began with ${name}/${version} (${ref})`;
  try {
    const found = await openRegistry(registry!, stores).resolve(by);
    if (found.digest === begun.sha256) return begun;
    const [expected, got] = [begun.sha256 ?? '', found.digest];
    throw new PrescoreError('MODEL_CHECKSUM', {
      what: `${what}, and it is another one`,
      where: registry!,
      expected,
      got,
      fix,
    });
  } catch (error) {
    if (!(error instanceof PrescoreError) || error.code !== 'REGISTRY_UNKNOWN') throw error;
    throw new PrescoreError(error.code, {
      ...error.details,
      what: `${what}: ${error.details.what}`,
      fix,
      cause: error,
    });
  }
}

function openRegistry(uri: string, stores: StoreResolver): RegistryReader {
  return openRegistryAt(stores.at(`${uri}/`));
}

function requireRegistry({ ref, registry }: ReferredModel): string {
  if (registry !== null) return registry;
  throw new PrescoreError('SPEC_INVALID', {
    what: 'model.ref names a model of a registry, and no registry is named',
    where: 'model.ref',
    expected: 'registry: URI at the top of the job file, or PRESCORE_REGISTRY in the environment',
    got: ref,
    fix: 'Name it in one of the two ways; any folder or prefix that prescore models add wrote into is one.',
  });
}

function modelOf(found: ResolvedModel, { ref, registry, background }: ReferredModel & { registry: string }): JobModel {
  const { location, name, version, digest } = found;
  const beside = background === undefined ? {} : { background };
  return { uri: location.uri, name, version: String(version), sha256: digest, ...beside, ref, registry };
}
