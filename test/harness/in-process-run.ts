import type { RunDone, RunEvent } from '../../src/base/contract/run-events.ts';
import type { PrescoreError } from '../../src/base/errors/prescore-error.ts';
import { JobScorers } from '../../src/cli/processes/scorers.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { readVersions } from '../../src/cli/wiring/versions.ts';
import { runJob } from '../../src/run/pipeline/run-job.ts';
import { loadPinned } from './pinned-job.ts';

export interface InProcessRun {
  readonly done: readonly RunDone[];
  readonly failures: readonly PrescoreError[];
}

/**
 * Runs a job file as the command line does, with real scorer children, but in this process: `onEvent` is called at every
 * event, and the run goes on when it returns. So a test can change a file between two steps.
 */
export async function runInProcess(path: string, onEvent: (event: RunEvent) => void): Promise<InProcessRun> {
  const job = loadPinned(path);
  const stores = createStoreResolver(job.stores, { env: process.env });
  const scorers = new JobScorers(job, stores, false);
  const done: RunDone[] = [];
  const failures: PrescoreError[] = [];
  const deps = {
    stores,
    versions: readVersions(),
    scorers: () => scorers.load(),
    emit: (event: RunEvent) => {
      if (event.event === 'done') done.push(event);
      onEvent(event);
    },
    warn: () => undefined,
    stop: new AbortController().signal,
    now: () => new Date(),
  };
  const options = { isNewRun: false, isIfChanged: false, isForced: false, allowUnpinned: false, asOf: null };
  try {
    for await (const outcome of runJob(job, null, options, deps)) {
      if (outcome.kind === 'failed') failures.push(outcome.error);
    }
    return { done, failures };
  } finally {
    await scorers.close();
    await stores.close();
  }
}
