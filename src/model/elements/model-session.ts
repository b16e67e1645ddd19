import type { GrantedDevice } from '../../base/contract/device.ts';
import type { Signature } from '../../base/contract/signature.ts';
import type { TensorValue } from './elements.ts';

/** A model that is loaded and scores batches, whatever evaluates it. */
export interface ModelSession {
  readonly signature: Signature;
  /** Where it runs. */
  readonly granted: GrantedDevice;
  /** Whether feeds that lie in shared memory are copied for every batch. */
  readonly isCopying: boolean;
  /** Every row is scored by itself by construction, as far as no exponential is shared: a short trial will do. */
  readonly isRowwise?: boolean;
  /**
   * One batch; the next one only when this is done. Throws the evaluator's own errors: the caller bisects. Owns: feeds stay the caller's; what
   * is fetched is read before the next batch.
   */
  run(feeds: ReadonlyMap<string, TensorValue>, fetches: readonly string[]): Promise<Map<string, TensorValue>>;
  close(): Promise<void>;
}
