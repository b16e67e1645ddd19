import type { Job } from '../contract/job.ts';
import type { StoreResolver } from '../contract/object-store.ts';
import type { PublishedEvent, RunEvent } from '../contract/run-events.ts';
import { PrescoreError } from '../errors/prescore-error.ts';
import { createStoreResolver } from '../object-store/open-store.ts';
import { findPartition } from '../spec/partitions.ts';
import { ProgressLine, sayBytes, sayCount, sayDuration } from '../telemetry/progress-line.ts';
import { loadJob } from './load-job.ts';
import { publishJob } from './publisher.ts';
import type { PublishReport } from './publisher-messages.ts';
import { StopSignals } from './stop-signals.ts';

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

/** Publishes and emits what became of it; null when nothing is committed. Errors: those of `publishJob`. */
export async function publishAndTell(
  job: Job,
  stores: StoreResolver,
  emit: (event: RunEvent) => void,
  flags: {
    readonly isForced: boolean;
    readonly isRebuild: boolean;
    readonly partition: string | null;
    readonly stop: AbortSignal;
  },
): Promise<PublishedEvent | null> {
  const started = performance.now();
  const { set, store } = job.predictions!;
  const report = await publishJob(job, stores, {
    ...flags,
    onProgress: ({ stage, rows, of }) => emit({ event: 'publishing', set, stage, rows, of }),
  });
  if (report === null) return null;
  for (const warning of report.warnings) process.stderr.write(`warning: ${warning}\n`);
  const event = publishedEvent(report, set, store, (performance.now() - started) / 1000);
  emit(event);
  return event;
}

function publishedEvent({ outcome }: PublishReport, set: string, store: string, seconds: number): PublishedEvent {
  const nothing = { generation: null, rows: 0, duplicates: 0, withoutKey: 0, pages: 0, bytes: 0, why: null };
  const base = { event: 'published', set, store, outcome: outcome.kind, seconds, ...nothing } as const;
  switch (outcome.kind) {
    case 'published': {
      const { generation, rows, duplicates, withoutKey, buckets, bytes } = outcome;
      return { ...base, generation, rows, duplicates, withoutKey, pages: buckets, bytes };
    }
    case 'unchanged':
      return { ...base, generation: outcome.generation, why: outcome.why };
    case 'upserted':
      return { ...base, rows: outcome.rows };
    case 'handed-over':
      return base;
  }
}

const UNCHANGED: Readonly<Record<string, string>> = {
  served: 'is served already',
  older: 'serves something newer; nothing was changed (--force serves this one)',
  pinned: 'was rolled back and waits for something newer; nothing was changed (--force serves this one)',
};

/** One line for people. */
export function sayPublished(event: PublishedEvent): string {
  const where = `set ${event.set} in ${event.store}`;
  switch (event.outcome) {
    case 'published': {
      const twins =
        event.duplicates > 0 ? `, ${sayCount(event.duplicates)} rows replaced by a later one with the same key` : '';
      const keyless = event.withoutKey > 0 ? `, ${sayCount(event.withoutKey)} rows without a key left out` : '';
      return `published ${sayCount(event.rows)} predictions as generation ${event.generation} of ${where}: ${sayCount(event.pages)} pages, ${sayBytes(event.bytes)}, ${sayDuration(event.seconds)}${twins}${keyless}`;
    }
    case 'upserted':
      return `wrote ${sayCount(event.rows)} predictions into ${where} in ${sayDuration(event.seconds)}`;
    case 'unchanged':
      return `${where}: generation ${event.generation} ${UNCHANGED[event.why ?? ''] ?? ''}`;
    case 'handed-over':
      return `${where}: another process is publishing; it will publish this as well when it is done`;
  }
}
