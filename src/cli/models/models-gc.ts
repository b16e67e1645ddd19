import type { WrittenJob } from '../../base/contract/job.ts';
import { parseModelRef } from '../../base/contract/model-ref.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { CollectedVersion, RegistryReader } from '../../base/contract/registry.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayBytes, sayMany } from '../../base/telemetry/progress-line.ts';
import { loadJob } from '../load/load-job.ts';
import { printJson } from '../output/print-json.ts';
import { printTable } from '../output/print-table.ts';
import { whoAmI } from '../wiring/open-registry.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { usedByRuns, usedBySet } from '../wiring/used-models.ts';
import { type RegistryFlags, withRegistry } from './registry-place.ts';
import { shownCells } from './say-version.ts';

export interface GcFlags extends RegistryFlags {
  readonly keep: number;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly by?: string;
  readonly job?: readonly string[];
  readonly state?: readonly string[];
}

/** `prescore models gc NAME|--all --keep N`: deletes versions that nothing needs. */
export async function modelsGc(name: string | undefined, flags: GcFlags): Promise<number> {
  if ((name === undefined) !== (flags.all === true))
    throw new PrescoreError('USAGE', { what: 'give a name or --all, one of the two' });
  const { keep, job: jobs = [], state: states = [] } = flags;
  const nowMs = Date.now();
  return withRegistry(flags, states, async (registry, stores) => {
    // Before anything goes: a state that cannot be read says nothing of what it needs.
    const used = await usedModels(jobs, states, stores, registry, nowMs);
    const options = { keep, used, by: whoAmI(flags.by), nowMs, isApplied: flags.dryRun !== true };
    const found: CollectedVersion[] = [];
    for (const one of name === undefined ? await registry.names() : [name])
      found.push(...(await registry.collect(one, options)));
    if (flags.json === true) for (const one of found) printJson({ ...one, isApplied: options.isApplied });
    else sayCollected(found, options.isApplied);
    return 0;
  });
}

async function usedModels(
  jobs: readonly string[],
  states: readonly string[],
  stores: StoreResolver,
  registry: RegistryReader,
  nowMs: number,
): Promise<Map<string, string>> {
  const used = new Map<string, string>();
  for (const uri of states) await usedByRuns(stores.at(uri).uri, stores, nowMs, used);
  for (const path of jobs) {
    const job = loadJob(path);
    const digest = await digestOf(job, registry);
    if (digest !== null) used.set(digest, `job ${job.name} names it`);
    const own = createStoreResolver(job.stores, { env: process.env });
    try {
      await usedByRuns(job.state, own, nowMs, used);
    } finally {
      await own.close();
    }
    if (job.predictions !== null) await usedBySet(job.predictions.store, job.predictions.set, used);
  }
  return used;
}

// What a job names in another registry, or what is not there, cannot be deleted here.
async function digestOf({ model }: WrittenJob, registry: RegistryReader): Promise<string | null> {
  if ('uri' in model) return model.sha256;
  const ref = parseModelRef(model.ref);
  if (typeof ref === 'string') return null;
  try {
    return (await registry.resolve(ref)).digest;
  } catch (error) {
    if (isPrescoreError(error) && error.code === 'REGISTRY_UNKNOWN') return null;
    throw error;
  }
}

function sayCollected(found: readonly CollectedVersion[], isApplied: boolean): void {
  const rows = found.map(({ name, version, outcome, bytes, why }) => [
    `${name}/${version}`,
    isApplied || outcome === 'kept' ? outcome : `would be ${outcome}`,
    sayBytes(bytes),
    why,
  ]);
  if (rows.length > 0) printTable(['version', 'outcome', 'size', 'why'], shownCells(rows), process.stdout, [2]);
  const gone = found.filter(({ outcome }) => outcome !== 'kept');
  const bytes = gone.reduce((sum, one) => sum + one.bytes, 0);
  const verb = isApplied ? 'deleted' : 'would be deleted; leave --dry-run out to delete';
  process.stdout.write(
    gone.length === 0 ? 'nothing to delete\n' : `${sayMany(gone.length, 'version')}, ${sayBytes(bytes)}, ${verb}\n`,
  );
}
