import { setTimeout as sleep } from 'node:timers/promises';
import type { OverlayEntry, PredictionStore, ValueColumn } from '../../base/contract/prediction-set.ts';
import { ChurnMap } from '../../base/heap/churn-map.ts';
import { announceOverlay } from '../../sets/prediction-set/announce-overlay.ts';
import { encodeOverlay } from '../../sets/prediction-set/overlay-entry.ts';
import type { LiveScore } from './live-lane.ts';

const MOST_WAITING = 10_000;
const AT_ONCE = 500;
/** After a write that failed. */
const PAUSE_MS = 1_000;
const FLAG_MS = 10_000;

export interface WriteBackOptions {
  readonly set: string;
  readonly columns: readonly ValueColumn[];
  readonly ttlMs: number;
  /** Opens a connection of its own: lookups must not wait behind writes. */
  readonly open: () => Promise<PredictionStore>;
  readonly onWritten: (entries: number, outcome: 'written' | 'dropped' | 'failed') => void;
}

/**
 * Writes live answers into the overlay of the set, after they were given. Nobody waits for it: what does not fit into its queue,
 * or cannot be written, is dropped and counted, and would only be scored again.
 */
export class WriteBack {
  private readonly options: WriteBackOptions;
  private readonly waiting = new ChurnMap<string, OverlayEntry>();
  private store: PredictionStore | null = null;
  private flagSeenAt = Number.NEGATIVE_INFINITY;
  private writing: Promise<void> | null = null;
  private isClosed = false;

  constructor(options: WriteBackOptions) {
    this.options = options;
  }

  /** Takes an answer; a newer one of the same key takes the place of one that waits. */
  add(key: Uint8Array, { values, scoredAtMs, model }: LiveScore): void {
    const { columns, ttlMs, onWritten } = this.options;
    if (this.isClosed) return;
    const id = Buffer.from(key).toString('latin1');
    if (this.waiting.size >= MOST_WAITING && this.waiting.get(id) === undefined) {
      onWritten(1, 'dropped');
      return;
    }
    const facts = { scoredAtMs, expiresAtMs: scoredAtMs + ttlMs, modelSha256: model.sha256, source: 'write-back' };
    this.waiting.set(id, { key, value: encodeOverlay(facts, columns, values) });
    this.writing ??= this.write().finally(() => {
      this.writing = null;
    });
  }

  get size(): number {
    return this.waiting.size;
  }

  /** Writes what waits, for at most `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.isClosed = true;
    await Promise.race([this.writing, sleep(graceMs, undefined, { ref: false })]);
    await this.store?.close();
  }

  private async write(): Promise<void> {
    // The answer goes out first.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.size > 0) {
      const batch = [...this.waiting].slice(0, AT_ONCE);
      for (const [id] of batch) this.waiting.delete(id);
      try {
        const store = await this.opened();
        await store.writeOverlay(
          this.options.set,
          batch.map(([, entry]) => entry),
        );
        this.options.onWritten(batch.length, 'written');
      } catch {
        this.options.onWritten(batch.length, 'failed');
        if (this.isClosed) return;
        await sleep(PAUSE_MS, undefined, { ref: false });
      }
    }
  }

  // Readers look into the overlay only once the state says that there is one.
  private async opened(): Promise<PredictionStore> {
    this.store ??= await this.options.open();
    // Again now and then: a store may have lost everything and been filled anew.
    if (performance.now() - this.flagSeenAt > FLAG_MS) {
      await announceOverlay(this.store, this.options.set);
      this.flagSeenAt = performance.now();
    }
    return this.store;
  }
}
