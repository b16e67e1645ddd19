/* The front door for services that read predictions. The command line is `prescore`. */
import { refuseOldNode } from './base/errors/refuse-old-node.ts';
import type { PredictionReader, ReaderOptions } from './sets/reader/prediction-reader.ts';

export type {
  GenerationMeta,
  Origin,
  PredictionValue,
  SetPointer,
  ValueColumn,
} from './base/contract/prediction-set.ts';
export type { ErrorCode } from './base/errors/error-codes.ts';
export { isPrescoreError, PrescoreError } from './base/errors/prescore-error.ts';
export type { PredictionKey } from './sets/prediction-set/key-bytes.ts';
export type { Prediction, PredictionReader, ReaderCounts, ReaderOptions } from './sets/reader/prediction-reader.ts';

/**
 * Opens a prediction set to read it: `lmdb:PATH`, `redis://host:6379/0` and the other addresses of docs/prediction-sets.md. The
 * login is taken from the URL, else from PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD.
 *
 * Errors: PREDICTIONS_*, NODE_UNSUPPORTED. Owns: the caller closes the reader.
 */
export async function openPredictions(
  url: string,
  set: string,
  options: ReaderOptions = {},
): Promise<PredictionReader> {
  refuseOldNode();
  // Loaded when it is needed, and so after that: an older Node cannot even link it, and would say so in its own words.
  const { openPredictionStore } = await import('./cli/wiring/open-prediction-store.ts');
  const { PredictionReader } = await import('./sets/reader/prediction-reader.ts');
  const { store } = await openPredictionStore(url, process.env, { isReader: true });
  return new PredictionReader(store, set, options);
}
