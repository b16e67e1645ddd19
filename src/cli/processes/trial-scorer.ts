import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binding } from '../../base/contract/binding.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { ScorerProcess } from '../../scoring/pool/scorer-process.ts';
import { MEMORY } from './memory-plan.ts';
import { makeScratch, removeScratch } from './scratch-folder.ts';
import { SCORER_ENTRY, scorerEnvironment } from './spare-scorer.ts';

/** `score = sigmoid(features[N, 2] x w + b)`, written by bench/gpu/onnx-writer.ts. */
export const TRIAL_MODEL =
  'CAg6mgEKHgoIZmVhdHVyZXMKAncwCgJiMBIEc3VtMCIER2VtbQoWCgRzdW0wEgVzY29yZSIHU2lnbW9pZBIDbWxwKhQIAggBEAFCAncwSgiV+t6905KAvyoO' +
  'CAEQAUICYjBKBC1vuT1aGwoIZmVhdHVyZXMSDwoNCAESCQoDEgFOCgIIAmIYCgVzY29yZRIPCg0IARIJCgMSAU4KAggBQgIQEQ==';

const BINDING: Binding = {
  inputs: [{ kind: 'columns', tensor: 'features', type: 'float32', tail: [2], columns: ['a', 'b'], nulls: 'reject' }],
  outputs: [
    {
      column: 'score',
      tensor: 'score',
      tensorType: 'float32',
      kind: 'scalar',
      index: null,
      labels: null,
      type: 'FLOAT',
    },
  ],
  fixedBatch: null,
};

/** A first session on a GPU maps gigabytes of libraries; on a cold disk that takes its time. */
const TRIAL_MS = 120_000;

/** Starts a scorer child as a run would, loads a model (base64; the trial model) on a device and hands both over. Errors: those of loading; SCORER_*. */
export async function withTrial<T>(
  device: string,
  task: (child: ScorerProcess, info: ModelInfo) => T | Promise<T>,
  model = TRIAL_MODEL,
): Promise<T> {
  const scratchDir = await makeScratch();
  try {
    const path = join(scratchDir, 'trial.onnx');
    await writeFile(path, Buffer.from(model, 'base64'));
    const child = startTrial(scratchDir);
    const late = new PrescoreError('SCORER_DEADLINE', { what: `no session within ${TRIAL_MS / 1000} s` });
    const timer = setTimeout(() => child.kill(late), TRIAL_MS);
    try {
      const request = { path, where: 'a trial', sha256: null, intraOpThreads: 1, trees: 'auto' as const, device };
      return await task(child, await child.request({ kind: 'load', model: request }).reply);
    } finally {
      clearTimeout(timer);
      child.close();
    }
  } finally {
    await removeScratch(scratchDir);
  }
}

/**
 * Scores a row of the trial model on the CPU the way a run does: feeds in shared memory, the inference thread of a child. Gives whether that
 * thread copies them for every batch.
 *
 * Errors: those of loading; SCORER_*; MODEL_FAILED when the row is refused.
 */
export function tryScoring(): Promise<{ readonly isCopying: boolean }> {
  return withTrial('cpu', async (child) => {
    const { refused, isCopying } = await child.request({ kind: 'probe', binding: BINDING, most: 1 }).reply;
    if (refused === null) return { isCopying };
    const fix = 'No model can be scored here: another release of Node may do, or prescore installed anew.';
    throw new PrescoreError('MODEL_FAILED', { what: `ONNX Runtime refuses a row: ${refused}`, fix });
  });
}

function startTrial(scratchDir: string): ScorerProcess {
  const nothing = (): void => undefined;
  return new ScorerProcess(
    {
      entry: SCORER_ENTRY,
      env: scorerEnvironment(),
      takeSpare: () => null,
      maxRssBytes: MEMORY.gpuHostBytes,
      silenceMs: TRIAL_MS,
      options: {
        stores: {},
        scratchDir,
        scratchBytes: MEMORY.minDuckBytes,
        duckMemoryBytes: MEMORY.minDuckBytes,
        batchBytes: MEMORY.leastBatchBytes,
        batchDivisor: 1,
        threads: 1,
        slabs: 1,
        batchDeadlineMs: TRIAL_MS,
      },
    },
    { onHungry: nothing, onProgress: nothing, onHeartbeat: nothing, onExit: nothing },
  );
}
