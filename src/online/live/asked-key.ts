import type { FeatureRow } from '../../base/contract/job-scorer.ts';
import type { PredictionKey } from '../../sets/prediction-set/key-bytes.ts';

/** A key of a request, with the features that came along. */
export interface AskedKey {
  readonly key: PredictionKey;
  /** Names the key in maps. */
  readonly id: string;
  /** Names it in templates; the parts of a key of several columns stand between colons. */
  readonly name: string;
  /** Null: the request brought none. */
  readonly features: FeatureRow | null;
}
