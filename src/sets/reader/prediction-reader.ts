import type {
  GenerationMeta,
  PredictionStore,
  PredictionValue,
  SetPointer,
} from '../../base/contract/prediction-set.ts';
import { crc32Of } from '../prediction-set/crc32.ts';
import { keyBytes, type PredictionKey } from '../prediction-set/key-bytes.ts';
import { type OverlayPrediction, readOverlay } from '../prediction-set/overlay-entry.ts';
import { findInPage } from '../prediction-set/page.ts';
import { readValues } from '../prediction-set/value-codec.ts';
import { isSamePointer, type PointerCache, PointerSource } from './pointer-source.ts';

/** What is known of one key. */
export interface Prediction {
  readonly values: Readonly<Record<string, PredictionValue>>;
  /** `set`: from the published table. `overlay`: a single key that was written since. */
  readonly from: 'set' | 'overlay';
  /** Null for write-backs of live answers. */
  readonly runId: string | null;
  readonly model: { readonly name: string | null; readonly version: string | null; readonly sha256: string };
  /** ISO, UTC. */
  readonly scoredAt: string;
  /** Milliseconds since it was published (from the overlay: since it was scored). */
  readonly ageMs: number;
}

/** Counts since the reader was opened. */
export interface ReaderCounts {
  hits: number;
  misses: number;
  /** Misses because the generation, or the entry, has expired. */
  expired: number;
  /** Pages that were not there although the generation is served: evicted or lost. */
  missingPages: number;
  /** Pages or entries whose bytes are not what they should be. */
  badPages: number;
}

export interface ReaderOptions {
  /** How old the cached pointer may be: how long a reader may miss a new generation. At most 5,000 ms; 2,000 by default. */
  readonly pointerMs?: number;
}

/** One set, seen by one process. Every answer of a call comes from the same generation. */
export class PredictionReader {
  readonly counts: ReaderCounts = { hits: 0, misses: 0, expired: 0, missingPages: 0, badPages: 0 };
  private readonly store: PredictionStore;
  private readonly set: string;
  private readonly pointers: PointerSource;

  constructor(store: PredictionStore, set: string, options: ReaderOptions = {}) {
    this.store = store;
    this.set = set;
    this.pointers = new PointerSource(store, set, options.pointerMs);
  }

  /** The prediction of one key; null when there is none. Errors: KEY_INVALID, SET_UNKNOWN, PREDICTIONS_*. */
  async get(key: PredictionKey): Promise<Prediction | null> {
    return (await this.getMany([key]))[0]!;
  }

  /** Predictions of many keys in their order, all of one generation. Errors: KEY_INVALID, SET_UNKNOWN, PREDICTIONS_*. */
  async getMany(keys: readonly PredictionKey[]): Promise<(Prediction | null)[]> {
    const first = await this.pointers.current();
    const found = await this.read(first, keys);
    // A page is only ever missing when its generation has been reclaimed, or was lost: the pointer tells.
    if (found.missing === 0) return this.counted(found.answers);
    const second = await this.pointers.refresh();
    const again = isSamePointer(second.pointer, first.pointer) ? found : await this.read(second, keys);
    this.counts.missingPages += again.missing;
    return this.counted(again.answers);
  }

  /** The pointer that answers come from now. Errors: as `get`. */
  async pointer(): Promise<SetPointer> {
    return (await this.pointers.current()).pointer;
  }

  /** What the served generation is made of; null when only single keys were written. Errors: as `get`. */
  async meta(): Promise<GenerationMeta | null> {
    return (await this.pointers.current()).meta;
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  private async read(
    { pointer, publishedMs, expiresMs, meta }: PointerCache,
    keys: readonly PredictionKey[],
  ): Promise<{ readonly answers: (Prediction | null)[]; readonly missing: number }> {
    const now = Date.now();
    const bytes = keys.map((key) =>
      meta === null ? looseKeyBytes(key) : keyBytes(key, meta.key.kind, meta.key.columns.length),
    );
    const isExpired = expiresMs <= now;
    const isServed = meta !== null && !isExpired;
    if (meta !== null && isExpired) this.counts.expired += keys.length;
    const buckets = isServed ? bytes.map((b) => crc32Of(b, 0, b.length) % meta.buckets) : [];
    // Both at once, and both awaited: if one fails, the failure of the other must not go unheard.
    const [entries, pages] = await Promise.all([
      pointer.hasOverlay ? this.store.readOverlay(this.set, bytes) : null,
      isServed ? this.store.readPages(this.set, pointer.generation, buckets) : [],
    ]);
    let missing = 0;
    const answers = bytes.map((key, i) => {
      if (!isServed) return null;
      const page = pages[i] ?? null;
      if (page === null) missing++;
      return page === null ? null : this.fromPage(page, buckets[i]!, key, meta, now - publishedMs);
    });
    if (entries !== null) {
      for (let i = 0; i < answers.length; i++) answers[i] = this.newer(answers[i]!, entries[i] ?? null, meta, now);
    }
    return { answers, missing };
  }

  private fromPage(
    page: Uint8Array,
    bucket: number,
    key: Uint8Array,
    meta: GenerationMeta,
    ageMs: number,
  ): Prediction | null {
    const found = findInPage(page, bucket, key);
    if (found.kind === 'absent') return null;
    const origin = found.kind === 'row' ? meta.origins[found.row.origin] : undefined;
    const values = found.kind === 'row' ? readValues(found.row.cursor, meta.columns, found.row.hasNulls) : null;
    if (origin === undefined || values === null) {
      this.counts.badPages++;
      return null;
    }
    const { runId, model, scoredAt } = origin;
    return { values, from: 'set', runId, model, scoredAt, ageMs };
  }

  private newer(
    own: Prediction | null,
    bytes: Uint8Array | null,
    meta: GenerationMeta | null,
    now: number,
  ): Prediction | null {
    if (bytes === null) return own;
    const entry = readOverlay(bytes);
    if (entry === null) {
      this.counts.badPages++;
      return own;
    }
    if (entry.expiresAtMs > 0 && entry.expiresAtMs <= now) {
      this.counts.expired++;
      return own;
    }
    if (own !== null && Date.parse(own.scoredAt) >= entry.scoredAtMs) return own;
    return isOfOtherModel(entry, meta) ? own : overlayPrediction(entry, meta, now);
  }

  private counted(answers: (Prediction | null)[]): (Prediction | null)[] {
    for (const answer of answers) {
      if (answer === null) this.counts.misses++;
      else this.counts.hits++;
    }
    return answers;
  }
}

// A live answer of a model that is not the published one any more would bring the old model back for one key.
function isOfOtherModel(entry: OverlayPrediction, meta: GenerationMeta | null): boolean {
  if (meta === null || entry.source !== 'write-back') return false;
  return !meta.origins.some((o) => o.model.sha256 === entry.modelSha256);
}

function overlayPrediction(entry: OverlayPrediction, meta: GenerationMeta | null, now: number): Prediction {
  const model = meta?.origins.find((o) => o.model.sha256 === entry.modelSha256)?.model;
  return {
    values: entry.values,
    from: 'overlay',
    runId: entry.source.startsWith('run:') ? entry.source.slice(4) : null,
    model: { name: model?.name ?? null, version: model?.version ?? null, sha256: entry.modelSha256 },
    scoredAt: new Date(entry.scoredAtMs).toISOString(),
    ageMs: now - entry.scoredAtMs,
  };
}

// Single keys alone, without a generation, do not say what a key is made of: it is what the caller gives.
function looseKeyBytes(key: PredictionKey): Uint8Array {
  const isList = typeof key === 'object' && !(key instanceof Uint8Array);
  return isList && key.length !== 1 ? keyBytes(key, 'composite', key.length) : keyBytes(key, 'string', 1);
}
