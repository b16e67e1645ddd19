import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Job } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { endpointProblem } from '../../job/values/endpoint.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import { seenFrom } from '../commands/init-input.ts';
import { listingJob, type PlaceFlags, parseUnwritten, storesOf } from '../commands/unwritten-job.ts';
import { allowedMemory } from '../processes/allowed-memory.ts';
import { fetchModel, type LocalModel } from '../processes/fetch-model.ts';
import { leastMemory, shareMemory } from '../processes/memory-plan.ts';
import { ModelBench } from '../processes/model-bench.ts';
import { makeScratch, removeScratch } from '../processes/scratch-folder.ts';
import { endOnSignal } from '../processes/stop-signals.ts';
import { createStoreResolver } from '../wiring/open-store.ts';

/** A model that a command looks at without a job file, with all that it needs for it. */
export interface ModelPlace {
  /** A job of no table, which names the model. */
  readonly job: Job;
  readonly stores: StoreResolver;
  readonly bench: ModelBench;
  /** Aborted by a signal, just before this process ends: whatever it has started ends with it. */
  readonly stop: AbortSignal;
  /** A folder of this process, removed in the end. */
  readonly scratchDir: string;
  /** A copy of the model. Errors: those of `fetchModel`. */
  fetch(): Promise<LocalModel>;
}

/** Opens the place of a model for a task. Errors: USAGE, URI_INVALID; those of the task. */
export async function withModelPlace<T>(
  model: string,
  flags: PlaceFlags,
  task: (place: ModelPlace) => Promise<T>,
): Promise<T> {
  const problem = flags.endpoint === undefined ? null : endpointProblem(flags.endpoint);
  // Not shown: it may hold a password.
  if (problem !== null) throw new PrescoreError('USAGE', { what: `--endpoint ${problem}`, got: 'another text' });
  const target = resolve('job.yaml');
  const uri = seenFrom(target, resolveUri(model, process.cwd()));
  const base = { name: 'model', stores: storesOf(flags, [model]), model: { uri }, input: ['s3://not-yet/in'] };
  const unwritten = parseUnwritten(listingJob(base), target);
  const stores = createStoreResolver(unwritten.stores, { env: process.env });
  const job = await settleJob(unwritten, stores);
  const bench = new ModelBench();
  const controller = new AbortController();
  const scratchDir = await makeScratch();
  const done = endOnSignal(() => {
    controller.abort();
    bench.kill();
    rmSync(scratchDir, { recursive: true, force: true, maxRetries: 3 });
  });
  try {
    const fetch = (): Promise<LocalModel> => fetchModel(job, stores, scratchDir, true);
    return await task({ job, stores, bench, stop: controller.signal, scratchDir, fetch });
  } finally {
    done();
    bench.kill();
    await removeScratch(scratchDir);
    await stores.close();
  }
}

/** What a scorer of a run with default settings may use for one batch of a model that takes so many bytes, in bytes. Errors: MEMORY_TOO_SMALL. */
export function defaultBatchBytes(modelBytes: number): number {
  const memory = allowedMemory('auto', leastMemory('auto', modelBytes));
  return shareMemory(memory.bytes, 'auto', availableParallelism(), modelBytes).batchBytes;
}
