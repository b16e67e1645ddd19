import type { GenerationMeta, PredictionStore } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { keyBytes, type PredictionKey } from '../../sets/prediction-set/key-bytes.ts';
import { type Prediction, PredictionReader, type ReaderCounts } from '../../sets/reader/prediction-reader.ts';
import type { StoreLane } from './store-lane.ts';

interface Asked {
  readonly key: PredictionKey;
  readonly resolve: (found: Prediction | null) => void;
  readonly reject: (error: unknown) => void;
}

/** What a key is made of in the set that is served; null when only single keys were ever written. */
export type KeyShape = GenerationMeta['key'] | null;

/** Commands that the store has at once; what is asked for meanwhile goes together with the next one. */
const MOST_IN_FLIGHT = 2;

const NO_COUNTS: ReaderCounts = { hits: 0, misses: 0, expired: 0, missingPages: 0, badPages: 0 };

/**
 * Lookups in one set. Single keys that are asked for in one turn of the event loop, or while the store has enough to do, go to
 * it as one command: the store and its client cost more per command than per key.
 */
export class SetLookup {
  private readonly lane: StoreLane;
  private readonly set: string;
  private readonly onBatch: (keys: number) => void;
  private reader: PredictionReader | null = null;
  private asked: Asked[] = [];
  private isDue = false;
  private inFlight = 0;
  /** Of the generation that the last lookup read. */
  lastShape: KeyShape = null;

  constructor(lane: StoreLane, set: string, onBatch: (keys: number) => void) {
    this.lane = lane;
    this.set = set;
    this.onBatch = onBatch;
  }

  /** One key, together with others that are asked for now. Errors: KEY_INVALID, SET_UNKNOWN, PREDICTIONS_*. */
  get(key: PredictionKey): Promise<Prediction | null> {
    return new Promise((resolve, reject) => {
      this.asked.push({ key, resolve, reject });
      this.flushSoon();
    });
  }

  /** Many keys, all of one generation. A key that cannot be one is an error in its place. Errors: SET_UNKNOWN, PREDICTIONS_*. */
  getMany(keys: readonly PredictionKey[]): Promise<(Prediction | PrescoreError | null)[]> {
    return this.lane.gate.pass(keys.length, () => this.lane.use((store) => this.read(store, keys)));
  }

  /** Of the generation that is served. Errors: SET_UNKNOWN, PREDICTIONS_*. */
  async keyShape(): Promise<KeyShape> {
    return this.lane.use(async (store) => (await this.readerOf(store).meta())?.key ?? null);
  }

  get counts(): Readonly<ReaderCounts> {
    return this.reader?.counts ?? NO_COUNTS;
  }

  private flushSoon(): void {
    if (this.isDue || this.asked.length === 0 || this.inFlight >= MOST_IN_FLIGHT) return;
    this.isDue = true;
    setImmediate(() => void this.flush());
  }

  private async flush(): Promise<void> {
    const { asked } = this;
    this.asked = [];
    this.isDue = false;
    this.inFlight++;
    try {
      const found = await this.getMany(asked.map(({ key }) => key));
      for (const [i, { resolve, reject }] of asked.entries()) {
        const one = found[i] ?? null;
        if (one instanceof PrescoreError) reject(one);
        else resolve(one);
      }
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
    this.inFlight--;
    this.flushSoon();
  }

  private async read(
    store: PredictionStore,
    keys: readonly PredictionKey[],
  ): Promise<(Prediction | PrescoreError | null)[]> {
    const reader = this.readerOf(store);
    const meta = await reader.meta();
    this.onBatch(keys.length);
    this.lastShape = meta?.key ?? null;
    if (meta === null) return reader.getMany(keys);
    const checked = keys.map((key) => checkedKey(key, meta.key));
    const good = checked.filter((key): key is PredictionKey => !(key instanceof PrescoreError));
    const found = await reader.getMany(good);
    if (good.length === keys.length) return found;
    let at = 0;
    return checked.map((key) => (key instanceof PrescoreError ? key : (found[at++] ?? null)));
  }

  private readerOf(store: PredictionStore): PredictionReader {
    this.reader ??= new PredictionReader(store, this.set);
    return this.reader;
  }
}

// One bad key must not spoil the answers of the others that go with it.
function checkedKey(key: PredictionKey, shape: GenerationMeta['key']): PredictionKey | PrescoreError {
  try {
    const own = shape.kind === 'binary' ? binaryKey(key) : key;
    keyBytes(own, shape.kind, shape.columns.length);
    return own;
  } catch (error) {
    return error instanceof PrescoreError ? error : new PrescoreError('KEY_INVALID', { what: 'this is no key' });
  }
}

/** The bytes under which a key of a request is stored. Errors: KEY_INVALID. */
export function storedKey(key: PredictionKey, shape: KeyShape): Uint8Array {
  if (shape === null) {
    const isList = Array.isArray(key);
    return keyBytes(key, isList && key.length !== 1 ? 'composite' : 'string', isList ? key.length : 1);
  }
  return keyBytes(shape.kind === 'binary' ? binaryKey(key) : key, shape.kind, shape.columns.length);
}

// JSON has no bytes: they are base64 there.
function binaryKey(key: PredictionKey): PredictionKey {
  if (typeof key !== 'string') return key;
  if (/^[A-Za-z0-9+/_-]*={0,2}$/.test(key)) return Buffer.from(key, 'base64');
  throw new PrescoreError('KEY_INVALID', { what: 'the keys of this set are bytes', expected: 'base64' });
}
