import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { ScorerProcess } from '../../scoring/pool/scorer-process.ts';
import { MEMORY } from './memory-plan.ts';
import { makeScratch, removeScratch } from './scratch-folder.ts';
import { SCORER_ENTRY, scorerEnvironment } from './spare-scorer.ts';

/** A first session on a GPU maps gigabytes of libraries; on a cold disk that takes its time. */
const TRIAL_MS = 120_000;

/**
 * Opens a model, given in base64, in a scorer child as a run would start it, and ends the child.
 *
 * Errors: those of loading a model; SCORER_DEADLINE after two minutes.
 */
export async function trySession(model: string, device: string): Promise<ModelInfo> {
  const scratchDir = await makeScratch();
  try {
    const path = join(scratchDir, 'trial.onnx');
    await writeFile(path, Buffer.from(model, 'base64'));
    return await load(path, device, scratchDir);
  } finally {
    await removeScratch(scratchDir);
  }
}

async function load(path: string, device: string, scratchDir: string): Promise<ModelInfo> {
  const nothing = (): void => undefined;
  const child = new ScorerProcess(
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
  const late = new PrescoreError('SCORER_DEADLINE', { what: `no session within ${TRIAL_MS / 1000} s` });
  const timer = setTimeout(() => child.kill(late), TRIAL_MS);
  try {
    const request = { path, where: 'a trial', sha256: null, intraOpThreads: 1, device };
    return await child.request({ kind: 'load', model: request }).reply;
  } finally {
    clearTimeout(timer);
    child.close();
  }
}
