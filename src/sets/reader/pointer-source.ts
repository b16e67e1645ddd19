import type { GenerationMeta, PredictionStore, SetPointer } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** A generation's pages stay for 60 s after it left `keep`; a pointer that is at most 5 s old never names one without them. */
export const MAX_POINTER_MS = 5000;
const DEFAULT_POINTER_MS = 2000;

/** A pointer and the meta of the generation that it names. */
export interface PointerCache {
  readonly pointer: SetPointer;
  /** Both in ms since 1970; `expiresMs` is Infinity without a ttl. */
  readonly publishedMs: number;
  readonly expiresMs: number;
  readonly meta: GenerationMeta | null;
}

/**
 * The pointer of a set, read again when it is older than its bound. From half of the bound on it is refreshed while requests go
 * on, so that none of them waits as long as requests come.
 */
export class PointerSource {
  private readonly store: PredictionStore;
  private readonly set: string;
  private readonly maxAgeMs: number;
  private cached: PointerCache | null = null;
  private readAt = 0;
  private reading: Promise<PointerCache> | null = null;

  constructor(store: PredictionStore, set: string, maxAgeMs: number | undefined) {
    this.store = store;
    this.set = set;
    this.maxAgeMs = Math.min(MAX_POINTER_MS, Math.max(0, maxAgeMs ?? DEFAULT_POINTER_MS));
  }

  /** Errors: SET_UNKNOWN when nothing was ever written into the set; those of the store. */
  async current(): Promise<PointerCache> {
    const age = performance.now() - this.readAt;
    if (this.cached === null || age >= this.maxAgeMs) return this.refresh();
    // A refresh that fails is seen by the request that finds the pointer too old.
    if (age >= this.maxAgeMs / 2) this.refresh().catch(() => undefined);
    return this.cached;
  }

  /** Reads the pointer now, once for all who ask meanwhile. */
  refresh(): Promise<PointerCache> {
    this.reading ??= this.read().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  private async read(): Promise<PointerCache> {
    const asked = performance.now();
    const pointer = await this.store.readPointer(this.set);
    if (pointer === null || (pointer.generation === 0 && !pointer.hasOverlay)) {
      throw new PrescoreError('SET_UNKNOWN', {
        what: `nothing is published in set ${this.set}`,
        where: this.store.url,
      });
    }
    const publishedMs = Date.parse(pointer.publishedAt);
    const expiresMs = pointer.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(pointer.expiresAt);
    this.cached = { pointer, publishedMs, expiresMs, meta: await this.metaOf(pointer) };
    this.readAt = asked;
    return this.cached;
  }

  private async metaOf(pointer: SetPointer): Promise<GenerationMeta | null> {
    if (pointer.generation === 0) return null;
    if (this.cached !== null && isSameGeneration(this.cached.pointer, pointer)) return this.cached.meta;
    const meta = await this.store.readMeta(this.set, pointer.generation);
    if (meta !== null && meta.format === 1) return meta;
    throw new PrescoreError('PREDICTIONS_LOST', {
      what: meta === null ? `generation ${pointer.generation} has no meta` : 'the generation has a newer format',
      where: `${this.store.url} ${this.set}`,
    });
  }
}

/** Numbers begin again at 1 in a store that has lost everything; the time of publication tells such generations apart. */
function isSameGeneration(a: SetPointer, b: SetPointer): boolean {
  return a.generation === b.generation && a.publishedAt === b.publishedAt;
}

export function isSamePointer(a: SetPointer, b: SetPointer): boolean {
  return a.epoch === b.epoch && isSameGeneration(a, b);
}
