import type { JobScorer } from '../../base/contract/job-scorer.ts';
import type { StreamConfig } from '../../base/contract/stream-config.ts';
import { faultPoint } from '../../base/telemetry/fault-point.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import { type EventStream, idTime, isGroupGone } from '../../sets/redis/event-stream.ts';
import { DEAD_LETTERS, type Delivery, deadLetter } from './delivery.ts';
import { EventSource } from './event-source.ts';
import type { OverlayTarget } from './overlay-target.ts';
import { featureForm, readEvent } from './read-event.ts';
import { RetryLane } from './retry-lane.ts';
import { EventScorer } from './score-events.ts';

/** Clocks of producers may be ahead of ours by this. */
const AHEAD_MS = 300_000;
/** Consumers that hold nothing and were not heard of for so long are taken out of the group. */
const FORGET_AFTER_MS = 24 * 3_600_000;

/** What became of events: `older`: a newer one was there already; `left`: tried again later; `gone`: trimmed away unread. */
export type EventOutcome = 'written' | 'older' | 'rejected' | 'left' | 'gone';

export interface ConsumerDeps {
  readonly config: StreamConfig;
  /** Unique in the group. */
  readonly name: string;
  /** Waits for events; nothing else is sent over its connection. */
  readonly reader: EventStream;
  readonly stream: EventStream;
  readonly target: OverlayTarget;
  readonly scorer: JobScorer;
  readonly log: Logger;
  readonly onEvents: (outcome: EventOutcome, events: number) => void;
  readonly onBatch: (rows: number, seconds: number) => void;
  /** Seconds from the arrival of an event in the stream to its prediction in the set. */
  readonly onWritten: (seconds: number) => void;
}

/** When a consumer ends by itself. */
export interface ConsumeUntil {
  /** Nothing is waiting any more. */
  readonly isEmpty: boolean;
  /** So many events were taken. */
  readonly events: number | null;
}

/**
 * Takes events of a stream in small batches, scores them, writes them into the overlay of the set and acknowledges them: in this
 * order, so an event is in the stream until its prediction is in the set. One batch is read while one is scored, and no more are
 * held. What fails of the moment (a Redis, the scorer) is tried again with growing pauses; events stay held meanwhile.
 */
export class StreamConsumer {
  private readonly deps: ConsumerDeps;
  private readonly held = new Set<string>();
  private readonly source: EventSource;
  private readonly scorer: EventScorer;
  private readonly ending = new AbortController();
  /** Reading, and what is done with a batch, go on side by side; each has its own pauses. */
  private readonly reading: RetryLane;
  private readonly working: RetryLane;
  private isStopping = false;
  private isStarted = false;
  private rejected = 0;

  constructor(deps: ConsumerDeps) {
    this.deps = deps;
    const { config, reader, name, scorer, onBatch } = deps;
    this.source = new EventSource(reader, name, config, this.held);
    this.reading = new RetryLane(deps.log, this.ending.signal, (error) => {
      // What was given with a reply that got lost is held by our name already.
      this.source.recover();
      return this.mend(error);
    });
    this.working = new RetryLane(deps.log, this.ending.signal, (error) => this.mend(error));
    this.scorer = new EventScorer({ scorer, form: featureForm(config.event), lane: this.working, onBatch });
  }

  /** Why it does not get on; null when it does. */
  get trouble(): string | null {
    if (this.isStopping) return 'stopping';
    return this.isStarted ? (this.reading.problem ?? this.working.problem) : 'starting';
  }

  get heldEvents(): number {
    return this.held.size;
  }

  /** Nothing new is taken; what is held is finished. */
  stop(): void {
    this.isStopping = true;
  }

  /** Ends at once; what is held comes to others, or again. */
  kill(): void {
    this.isStopping = true;
    this.ending.abort();
  }

  /**
   * Consumes until it is stopped, or as long as `until` says; gives the number of events that went to the dead letters.
   *
   * Errors: those of the scorer that are not of the moment.
   */
  async run(until: ConsumeUntil): Promise<number> {
    const touching = setInterval(() => this.touch(), Math.max(50, this.deps.config.retry.claimAfterMs / 3));
    try {
      await this.reading.until('making the group', () => this.makeGroup());
      this.isStarted = true;
      await this.consume(until);
      await this.deps.stream.forget(this.deps.name, FORGET_AFTER_MS).catch(() => undefined);
    } catch (error) {
      if (!this.ending.signal.aborted) throw error;
    } finally {
      clearInterval(touching);
      this.kill();
    }
    return this.rejected;
  }

  private async consume({ isEmpty, events }: ConsumeUntil): Promise<void> {
    let left = events ?? Number.POSITIVE_INFINITY;
    const read = (): Promise<Delivery[]> => (left > 0 ? this.read(left, !isEmpty) : Promise.resolve([]));
    let next = read();
    while (true) {
      const batch = await next;
      left -= batch.length;
      const isOver = this.isStopping || left <= 0 || (isEmpty && batch.length === 0);
      next = isOver ? Promise.resolve([]) : read();
      // A failure of this one is told first; the next one is awaited in its turn.
      next.catch(() => undefined);
      if (batch.length > 0) await this.finish(batch);
      if (isOver) return;
    }
  }

  private read(most: number, isPatient: boolean): Promise<Delivery[]> {
    return this.reading.until('reading', async () => {
      const batch = await this.source.next(most, isPatient && !this.isStopping);
      for (const { entry } of batch) this.held.add(entry.id);
      return batch;
    });
  }

  private async finish(batch: readonly Delivery[]): Promise<void> {
    const { config, stream, target } = this.deps;
    await this.working.until('asking for the state of the set', () => this.understand(batch));
    await this.scorer.score(batch);
    faultPoint('stream-scored');
    const scored = batch.filter((d) => d.values !== null && d.event !== null && !d.isLeft);
    const rows = scored.map(({ event, values }) => ({ ...event!, values: values! }));
    const written = await this.working.until('writing into the set', () => target.write(rows));
    faultPoint('stream-written');
    const rejected = batch.filter((d) => d.fault !== null);
    await this.working.until('writing dead letters', () =>
      stream.addTo(config.deadLetter, DEAD_LETTERS, rejected.map(deadLetter)),
    );
    faultPoint('stream-told');
    const left = batch.filter((d) => d.isLeft);
    const done = batch.filter((d) => !d.isLeft).map(({ entry }) => entry.id);
    await this.working.until('acknowledging', () => stream.acknowledge(done));
    for (const { entry } of batch) this.held.delete(entry.id);
    this.tell(batch, scored, written, rejected, left);
  }

  private async understand(batch: readonly Delivery[]): Promise<void> {
    const { config, target, scorer } = this.deps;
    const key = await target.keyShape();
    const features = new Set(scorer.features.map(({ name }) => name));
    const rules = { event: config.event, key, features, latestMs: Date.now() + AHEAD_MS };
    for (const one of batch) {
      // Redis has dropped it from the stream since it was given out: there is nothing to score, and nothing to keep.
      if (one.entry.fields === null) continue;
      if (one.deliveries > config.retry.maxDeliveries) {
        const message = `it was delivered ${one.deliveries} times and never finished`;
        one.fault = { rule: 'too_many_deliveries', column: '', message };
        continue;
      }
      const read = readEvent(one.entry, rules);
      if ('rule' in read) one.fault = read;
      else one.event = read;
    }
  }

  private tell(
    batch: readonly Delivery[],
    scored: readonly Delivery[],
    written: number,
    rejected: readonly Delivery[],
    left: readonly Delivery[],
  ): void {
    const { onEvents, onWritten, log } = this.deps;
    const now = Date.now();
    const gone = batch.length - scored.length - rejected.length - left.length;
    onEvents('written', written);
    onEvents('older', scored.length - written);
    onEvents('rejected', rejected.length);
    onEvents('left', left.length);
    onEvents('gone', gone);
    for (const { entry } of scored) onWritten(Math.max(0, now - idTime(entry.id)) / 1000);
    this.rejected += rejected.length;
    if (gone > 0) log.warn({ gone }, 'events were trimmed out of the stream before they were scored');
    for (const { entry, fault, deliveries } of rejected) {
      const { rule, column, message } = fault!;
      log.warn({ id: entry.id, rule, column, deliveries }, `event rejected: ${message}`);
    }
    for (const { entry, deliveries } of left) {
      log.warn({ id: entry.id, deliveries }, 'the scorer went down with this event: it is tried again alone');
    }
  }

  private touch(): void {
    // A sign of life; when it cannot be given others may take the events over, and both write the same.
    this.deps.stream.touch(this.deps.name, [...this.held]).catch(() => undefined);
  }

  private async makeGroup(): Promise<void> {
    const { stream, config, log } = this.deps;
    if (await stream.makeGroup(config.stream.from)) log.info({ group: config.stream.group }, 'made the consumer group');
    await stream.forget(this.deps.name, FORGET_AFTER_MS);
  }

  private async mend(error: unknown): Promise<void> {
    if (!isGroupGone(error)) return;
    // The stream was removed or the server has lost its data: what is in it now is new, whatever the file says of the first start.
    const isMade = await this.deps.stream.makeGroup('beginning').catch(() => false);
    this.deps.target.lookAgain();
    if (isMade) this.deps.log.warn('the consumer group was gone and was made again, from the beginning of the stream');
  }
}
