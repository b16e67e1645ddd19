import type { ModelInfo } from '../../base/contract/signature.ts';
import { toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { SessionTrial } from '../../model/gpu/session-trial.ts';
import { chooseDevices, findGpus } from './choose-devices.ts';
import { withTrial } from './trial-scorer.ts';

/**
 * Opens a session on a GPU (`cuda:1`), or on every one that the process sees (`cuda`), each in a scorer child as a run would start it,
 * and scores a row there.
 */
export async function tryGpus(asked = 'cuda'): Promise<readonly SessionTrial[]> {
  const trials: SessionTrial[] = [];
  for (const device of chooseDevices(asked, findGpus(process.env))) trials.push(await tryGpu(device));
  return trials;
}

async function tryGpu(device: string): Promise<SessionTrial> {
  try {
    return await withTrial(device, (_, info) => ({ isOpened: true, says: `${device} scores: ${sayGranted(info)}` }));
  } catch (error) {
    return { isOpened: false, says: toPrescoreError(error).details.what };
  }
}

function sayGranted({ device }: ModelInfo): string {
  return `${device?.hardware ?? 'name unknown'}, driver ${device?.driver ?? 'unknown'}`;
}
