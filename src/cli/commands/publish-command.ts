import type { RunEvent } from '../../base/contract/run-events.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { ProgressLine } from '../../base/telemetry/progress-line.ts';
import { findPartition } from '../../job/slots/partitions.ts';
import { loadJob } from '../load/load-job.ts';
import { sayPublished } from '../output/say-published.ts';
import { StopSignals } from '../processes/stop-signals.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { publishAndTell } from '../wiring/publish-and-tell.ts';

export interface PublishCommandFlags {
  readonly partition?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** `prescore publish`: builds the set of a job from what is committed. Returns the exit code. */
export async function publishCommand(path: string, flags: PublishCommandFlags): Promise<number> {
  const job = loadJob(path);
  if (job.predictions === null) {
    throw new PrescoreError('SPEC_INVALID', {
      what: 'the job has no predictions',
      where: path,
      expected: 'predictions: { store, key }',
    });
  }
  if (flags.partition !== undefined) findPartition(job, flags.partition);
  const stores = createStoreResolver(job.stores, { env: process.env });
  const progress = flags.json === true ? null : new ProgressLine(process.stderr);
  const signals = new StopSignals(
    (text) => progress?.say(text),
    () => undefined,
  );
  try {
    const emit = (event: RunEvent): void => {
      if (flags.json !== true) progress?.take(event);
      else if (event.event !== 'publishing') process.stdout.write(`${JSON.stringify(event)}\n`);
    };
    const event = await publishAndTell(job, stores, emit, {
      isForced: flags.force === true,
      isRebuild: true,
      partition: flags.partition ?? null,
      stop: signals.stop,
    });
    if (event === null) {
      throw new PrescoreError('SET_UNKNOWN', {
        what: 'nothing is committed yet',
        where: job.output.uri,
        fix: `Run the job first: prescore run ${path}`,
      });
    }
    progress?.clear();
    if (flags.json !== true) process.stdout.write(`${sayPublished(event)}\n`);
    return event.outcome === 'unchanged' && event.why !== 'served' ? 7 : 0;
  } finally {
    progress?.clear();
    signals.close();
    await stores.close();
  }
}
