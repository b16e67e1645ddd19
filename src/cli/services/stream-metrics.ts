import type { Metrics } from '../../base/telemetry/metrics.ts';
import type { ConsumerDeps, EventOutcome } from '../../online/stream/consumer.ts';
import { type EventStream, idTime } from '../../sets/redis/event-stream.ts';

const ASK_AGAIN_MS = 500;
const BATCH_ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096];
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600];

/** What a consumer tells of its work, and what Redis tells of the stream, as metrics. */
export class StreamMetrics {
  readonly callbacks: Pick<ConsumerDeps, 'onEvents' | 'onBatch' | 'onWritten'>;

  constructor(metrics: Metrics, stream: EventStream, job: string) {
    const outcomes: readonly EventOutcome[] = ['written', 'older', 'rejected', 'left', 'gone'];
    const help = 'Events by what became of them.';
    const events = metrics.counter('prescore_stream_events_total', help, ['job', 'outcome']);
    for (const outcome of outcomes) events.inc({ job, outcome }, 0);
    const rows = metrics.histogram('prescore_stream_batch_rows', 'Events scored together.', BATCH_ROWS);
    const score = metrics.histogram(
      'prescore_stream_score_seconds',
      'Time that a batch waits for its scores.',
      SECONDS,
    );
    const delay = 'Time from the arrival of an event in the stream to its prediction in the set.';
    const written = metrics.histogram('prescore_stream_delay_seconds', delay, SECONDS);
    this.callbacks = {
      onEvents: (outcome, count) => events.inc({ job, outcome }, count),
      onBatch: (count, seconds) => {
        rows.observe(count);
        score.observe(seconds);
      },
      onWritten: (seconds) => written.observe(seconds),
    };
    gauges(metrics, stream);
  }
}

function gauges(metrics: Metrics, stream: EventStream): void {
  // Asked once for all gauges of a reading. Redis may be away; the other figures are still told.
  let asked: { readonly at: number; readonly status: ReturnType<EventStream['status']> } | null = null;
  const ask = (): ReturnType<EventStream['status']> => {
    if (asked === null || performance.now() - asked.at > ASK_AGAIN_MS)
      asked = { at: performance.now(), status: stream.status() };
    return asked.status;
  };
  const gauge = (name: string, help: string, of: (status: Awaited<ReturnType<typeof ask>>) => number | null): void => {
    metrics.gauge(name, help, [], async (one) => {
      const value = await ask().then(of, () => null);
      one.set(value ?? Number.NaN);
    });
  };
  gauge('prescore_stream_lag_events', 'Events that the group was not given yet; NaN where not known.', (s) => s.lag);
  gauge('prescore_stream_pending_events', 'Events given to consumers and not acknowledged.', (s) => s.pending);
  gauge('prescore_stream_oldest_seconds', 'Age of the oldest event that is not finished.', ({ oldestId }) =>
    oldestId === null ? 0 : Math.max(0, Date.now() - idTime(oldestId)) / 1000,
  );
}
