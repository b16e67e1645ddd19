import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { PublishedEvent, RunEvent } from '../../base/contract/run-events.ts';
import { publishJob } from '../processes/publisher.ts';
import type { PublishReport } from '../processes/publisher-messages.ts';

/** Publishes and emits what became of it; null when nothing is committed. Errors: those of `publishJob`. */
export async function publishAndTell(
  job: WrittenJob,
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
