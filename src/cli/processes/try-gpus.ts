import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { SessionTrial } from '../../model/gpu/session-trial.ts';
import { ScorerProcess } from '../../scoring/pool/scorer-process.ts';
import { chooseDevices, findGpus } from './choose-devices.ts';
import { MEMORY } from './memory-plan.ts';
import { makeScratch, removeScratch } from './scratch-folder.ts';
import { SCORER_ENTRY, scorerEnvironment } from './spare-scorer.ts';

/** `score = sigmoid(features[N, 2] x w + b)`, written by bench/gpu/onnx-writer.ts. */
export const TRIAL_MODEL =
  'CAg6mgEKHgoIZmVhdHVyZXMKAncwCgJiMBIEc3VtMCIER2VtbQoWCgRzdW0wEgVzY29yZSIHU2lnbW9pZBIDbWxwKhQIAggBEAFCAncwSgiV+t6905KAvyoO' +
  'CAEQAUICYjBKBC1vuT1aGwoIZmVhdHVyZXMSDwoNCAESCQoDEgFOCgIIAmIYCgVzY29yZRIPCg0IARIJCgMSAU4KAggBQgIQEQ==';

/** A first session on a GPU maps gigabytes of libraries; on a cold disk that takes its time. */
const TRIAL_MS = 120_000;

/**
 * Opens a session on a GPU (`cuda:1`), or on every one that the process sees (`cuda`), each in a scorer child as a run would start it,
 * and scores a row there.
 */
export async function tryGpus(asked = 'cuda'): Promise<readonly SessionTrial[]> {
  const scratchDir = await makeScratch();
  try {
    const model = join(scratchDir, 'trial.onnx');
    await writeFile(model, Buffer.from(TRIAL_MODEL, 'base64'));
    const trials: SessionTrial[] = [];
    for (const device of chooseDevices(asked, findGpus(process.env)))
      trials.push(await tryGpu(device, model, scratchDir));
    return trials;
  } finally {
    await removeScratch(scratchDir);
  }
}

async function tryGpu(device: string, path: string, scratchDir: string): Promise<SessionTrial> {
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
    const info = await child.request({ kind: 'load', model: request }).reply;
    return { isOpened: true, says: `${device} scores: ${sayGranted(info)}` };
  } catch (error) {
    return { isOpened: false, says: toPrescoreError(error).details.what };
  } finally {
    clearTimeout(timer);
    child.close();
  }
}

function sayGranted({ device }: ModelInfo): string {
  return `${device?.hardware ?? 'name unknown'}, driver ${device?.driver ?? 'unknown'}`;
}
