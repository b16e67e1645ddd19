import type { StreamConfig } from '../../base/contract/stream-config.ts';
import type { EventStream, StreamEntry } from '../../sets/redis/event-stream.ts';
import { type Delivery, delivery } from './delivery.ts';

/** A read never waits longer than this, so that a signal is heard and abandoned events are looked for. */
const LONGEST_BLOCK_MS = 1_000;

/**
 * Where a consumer's events come from: those that it held before, those that others have left, new ones. It gives an event only
 * while nobody here holds it.
 */
export class EventSource {
  private readonly stream: EventStream;
  private readonly consumer: string;
  private readonly batch: StreamConfig['batch'];
  private readonly claimAfterMs: number;
  private readonly held: ReadonlySet<string>;
  private ownAfter: string | null = '0-0';
  private claimAt = 0;
  private claimFrom = '0-0';

  constructor(stream: EventStream, consumer: string, config: StreamConfig, held: ReadonlySet<string>) {
    this.stream = stream;
    this.consumer = consumer;
    this.batch = config.batch;
    this.claimAfterMs = config.retry.claimAfterMs;
    this.held = held;
  }

  /** Replies may have been lost: what is held by name is looked at again. */
  recover(): void {
    this.ownAfter = '0-0';
  }

  /**
   * The next batch of at most `most` events; none after a second without any, or at once unless `isPatient`.
   *
   * Errors: STREAM_*.
   */
  async next(most: number, isPatient: boolean): Promise<Delivery[]> {
    const again = (await this.ownAgain(most)) ?? (await this.abandoned(most));
    if (again.length > 0) return this.counted(again);
    const { maxRows, maxWaitMs } = this.batch;
    const count = Math.min(most, maxRows);
    const found = await this.stream.next(this.consumer, count, isPatient ? this.longestWait() : 0);
    const until = performance.now() + maxWaitMs;
    while (isPatient && found.length > 0 && found.length < count) {
      const left = until - performance.now();
      if (left < 1) break;
      found.push(...(await this.stream.next(this.consumer, count - found.length, left)));
    }
    return found.map((entry) => delivery(entry, 1));
  }

  private longestWait(): number {
    return Math.min(LONGEST_BLOCK_MS, Math.max(1, this.claimAt - performance.now()));
  }

  private async ownAgain(most: number): Promise<StreamEntry[] | null> {
    while (this.ownAfter !== null) {
      const found = await this.stream.heldBy(this.consumer, Math.min(most, this.batch.maxRows), this.ownAfter);
      this.ownAfter = found.at(-1) ?? null;
      const free = found.filter((id) => !this.held.has(id));
      const entries = free.length === 0 ? [] : await this.stream.giveAgain(this.consumer, free);
      if (entries.length > 0) return entries;
    }
    return null;
  }

  private async abandoned(most: number): Promise<StreamEntry[]> {
    if (performance.now() < this.claimAt) return [];
    const count = Math.min(most, this.batch.maxRows);
    const { next, entries } = await this.stream.claim(this.consumer, this.claimAfterMs, count, this.claimFrom);
    this.claimFrom = next ?? '0-0';
    if (next === null) this.claimAt = performance.now() + this.claimAfterMs / 2;
    return entries.filter(({ id }) => !this.held.has(id));
  }

  private async counted(entries: readonly StreamEntry[]): Promise<Delivery[]> {
    const counts = await this.stream.deliveries(entries.map(({ id }) => id));
    return entries.map((entry) => delivery(entry, counts.get(entry.id) ?? 1));
  }
}
