import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JobScorer } from '../../src/base/contract/job-scorer.ts';
import { liveLaunch } from '../../src/cli/processes/live-launch.ts';
import { openLiveJob } from '../../src/cli/wiring/open-job-scorer.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { openModelHost } from '../../src/inference/host/model-host.ts';
import { loadPinned } from './pinned-job.ts';

/** The live scorer of a job file, with a child that is ended with the test. */
export async function liveJob(path: string, folder: string): Promise<JobScorer> {
  const job = loadPinned(path);
  const scratchDir = join(folder, 'scratch');
  mkdirSync(scratchDir, { recursive: true });
  const stores = createStoreResolver(job.stores, { env: process.env });
  const host = openModelHost({ launch: liveLaunch(), scratchDir, folder: null });
  onTestFinished(() => host.close());
  const scorer = await openLiveJob(job, {
    stores,
    scratchDir,
    allowUnpinned: false,
    addModel: (model) => host.addModel(model),
  });
  await stores.close();
  return scorer;
}
