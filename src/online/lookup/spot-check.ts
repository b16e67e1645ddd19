import type { PredictionValue } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Prediction } from '../../sets/reader/prediction-reader.ts';
import type { AskedKey } from '../live/asked-key.ts';
import type { LiveLane } from '../live/live-lane.ts';

/**
 * What a key's kept answer is beside one that is scored now. equal: the same bits. model: another model has made it. rounding: the last digits
 * differ, so batches of this model do not agree. features: another value, as the key's features are others by now. failed: it was not scored.
 */
export type SpotOutcome = 'equal' | 'model' | 'rounding' | 'features' | 'failed';

export interface SpotCheckOptions {
  readonly lane: Pick<LiveLane, 'scoreAgain' | 'isFull'>;
  readonly onChecked: (outcome: SpotOutcome) => void;
  /** Of so many answers one is checked. */
  readonly every?: number;
}

const EVERY = 10_000;
/** Of the larger one. */
const ROUNDING = 1e-3;

/** Scores one in so many keys that were answered from a set again, beside what is served, and counts what it finds. One at a time. */
export class SpotCheck {
  private readonly options: SpotCheckOptions;
  private left: number;
  private isBusy = false;

  constructor(options: SpotCheckOptions) {
    this.options = options;
    this.left = this.pause();
  }

  /** Told of an answer from the set. */
  saw(asked: AskedKey, hit: Prediction): void {
    if (--this.left > 0) return;
    this.left = this.pause();
    if (this.isBusy || this.options.lane.isFull) return;
    this.isBusy = true;
    void this.check(asked, hit).finally(() => {
      this.isBusy = false;
    });
  }

  private async check(asked: AskedKey, hit: Prediction): Promise<void> {
    const { lane, onChecked } = this.options;
    const fresh = await lane.scoreAgain(asked).catch(() => 'failed' as const);
    // Without features there is nothing to check.
    if (fresh === null) return;
    if (fresh === 'failed' || fresh instanceof PrescoreError) onChecked('failed');
    else onChecked(compare(hit, fresh.values, fresh.model.sha256));
  }

  // Not every so-many-th: clients ask in rounds.
  private pause(): number {
    const { every = EVERY } = this.options;
    return Math.max(1, Math.round(every * (0.5 + Math.random())));
  }
}

function compare(
  { values, model }: Prediction,
  fresh: Readonly<Record<string, PredictionValue>>,
  modelSha256: string,
): SpotOutcome {
  const pairs = Object.entries(values).map(([name, kept]) => [kept, fresh[name] ?? null] as const);
  if (pairs.every(([kept, now]) => isLike(kept, now, Object.is))) return 'equal';
  if (model.sha256 !== modelSha256) return 'model';
  return pairs.every(([kept, now]) => isLike(kept, now, isNear)) ? 'rounding' : 'features';
}

type Compare = (a: unknown, b: unknown) => boolean;

function isLike(a: PredictionValue, b: PredictionValue, isSame: Compare): boolean {
  if (!isList(a) || !isList(b)) return isSame(a, b);
  return a.length === b.length && Array.from(a).every((value, i) => isLike(value, b[i] ?? null, isSame));
}

function isList(value: PredictionValue): value is readonly PredictionValue[] {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

// A class turns over at the last bit of its probability, which stands beside it mostly: whole numbers and texts are the same or not.
function isNear(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'number' || typeof b !== 'number') return false;
  return Math.abs(a - b) <= ROUNDING * Math.max(1, Math.abs(a), Math.abs(b));
}
