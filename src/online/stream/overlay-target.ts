import type { GenerationMeta, OverlayEntry, PredictionStore, ValueColumn } from '../../base/contract/prediction-set.ts';
import { announceOverlay } from '../../sets/prediction-set/announce-overlay.ts';
import { encodeOverlay } from '../../sets/prediction-set/overlay-entry.ts';

const LOOK_AGAIN_MS = 10_000;

export interface OverlayTargetOptions {
  readonly store: PredictionStore;
  readonly set: string;
  /** What a key is made of before anything is published. */
  readonly key: GenerationMeta['key'];
  readonly columns: readonly ValueColumn[];
  readonly modelSha256: string;
  /** Null: entries never expire. */
  readonly ttlMs: number | null;
  /** Generations that a set keeps which is begun here. */
  readonly keep: number;
  /** Told to readers of entries; not `run:…` and not `write-back`, which mean something to them. */
  readonly source: string;
}

/** One scored event. */
export interface ScoredKey {
  readonly key: Uint8Array;
  /** Of the event, milliseconds since 1970. */
  readonly timeMs: number;
  readonly values: Parameters<typeof encodeOverlay>[2];
}

/** The overlay of the set that a stream writes into. Errors of all methods: PREDICTIONS_*. */
export class OverlayTarget {
  private readonly options: OverlayTargetOptions;
  private key: GenerationMeta['key'];
  private generation = 0;
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: OverlayTargetOptions) {
    this.options = options;
    this.key = options.key;
  }

  /**
   * What keys are made of now. Sees to it that readers look into the overlay; again now and then, since a store may have lost
   * everything and been filled anew.
   */
  async keyShape(): Promise<GenerationMeta['key']> {
    if (performance.now() - this.lookedAt < LOOK_AGAIN_MS) return this.key;
    const { store, set, keep } = this.options;
    const { pointer } = await announceOverlay(store, set, keep);
    if (pointer.generation !== this.generation) {
      this.key = (await store.readMeta(set, pointer.generation))?.key ?? this.options.key;
      this.generation = pointer.generation;
    }
    this.lookedAt = performance.now();
    return this.key;
  }

  /** The server may have lost everything: the next `keyShape` looks at once. */
  lookAgain(): void {
    this.lookedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * Writes the newest event of every key, unless the overlay has a newer one; says how many were written. Repeat: safe, an event
   * that is written again changes nothing.
   */
  async write(scored: readonly ScoredKey[]): Promise<number> {
    const newest = new Map<string, ScoredKey>();
    for (const one of scored) {
      const id = Buffer.from(one.key).toString('latin1');
      const known = newest.get(id);
      if (known === undefined || known.timeMs <= one.timeMs) newest.set(id, one);
    }
    const { store, set } = this.options;
    return store.writeNewerOverlay(
      set,
      [...newest.values()].map((one) => this.entryOf(one)),
    );
  }

  private entryOf({ key, timeMs, values }: ScoredKey): OverlayEntry {
    const { modelSha256, source, ttlMs, columns } = this.options;
    const facts = { scoredAtMs: timeMs, expiresAtMs: ttlMs === null ? 0 : timeMs + ttlMs, modelSha256, source };
    return { key, value: encodeOverlay(facts, columns, values) };
  }
}
