import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseModelRef } from '../../base/contract/model-ref.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { ModelRef, RegistryWriter } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { endpointProblem } from '../../job/values/endpoint.ts';
import { listingJob, type PlaceFlags, parseUnwritten, storesOf } from '../commands/unwritten-job.ts';
import { ModelBench } from '../processes/model-bench.ts';
import { makeScratch, removeScratch } from '../processes/scratch-folder.ts';
import { endOnSignal } from '../processes/stop-signals.ts';
import type { VersionTools } from '../wiring/new-version.ts';
import { openRegistry, registryUri } from '../wiring/open-registry.ts';
import { createStoreResolver } from '../wiring/open-store.ts';

export interface RegistryFlags extends PlaceFlags {
  readonly registry?: string;
  readonly json?: boolean;
}

/** Opens the registry of a command, and the stores of other places that it names. Errors: USAGE, URI_INVALID; those of the task. */
export async function withRegistry<T>(
  flags: RegistryFlags,
  places: readonly string[],
  task: (registry: RegistryWriter, stores: StoreResolver) => Promise<T>,
): Promise<T> {
  const problem = flags.endpoint === undefined ? null : endpointProblem(flags.endpoint);
  // Not shown: it may hold a password.
  if (problem !== null) throw new PrescoreError('USAGE', { what: `--endpoint ${problem}`, got: 'another text' });
  const uri = registryUri(flags.registry);
  const blocks = storesOf(flags, [uri, ...places]);
  const text = listingJob({
    name: 'models',
    stores: blocks,
    model: { uri: 's3://not-yet/model' },
    input: ['s3://not-yet/in'],
  });
  const stores = createStoreResolver(parseUnwritten(text, resolve('job.yaml')).stores, { env: process.env });
  try {
    return await task(openRegistry(uri, stores), stores);
  } finally {
    await stores.close();
  }
}

/** What it takes to look at files of models; gone when the task has ended. Errors: those of the task and of the scratch folder. */
export async function withTools<T>(stores: StoreResolver, task: (tools: VersionTools) => Promise<T>): Promise<T> {
  const bench = new ModelBench();
  const scratchDir = await makeScratch();
  const done = endOnSignal(() => {
    bench.kill();
    rmSync(scratchDir, { recursive: true, force: true, maxRetries: 3 });
  });
  try {
    return await task({ stores, bench, scratchDir });
  } finally {
    done();
    bench.kill();
    await removeScratch(scratchDir);
  }
}

/** A reference on the command line. Errors: USAGE. */
export function readRef(text: string): ModelRef {
  const ref = parseModelRef(text);
  if (typeof ref !== 'string') return ref;
  throw new PrescoreError('USAGE', { what: `the reference ${ref}`, got: JSON.stringify(text) });
}
