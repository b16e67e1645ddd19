import type { Signature } from '../../base/contract/signature.ts';
import { waysToFeed } from '../../model/certify/probe-inputs.ts';
import {
  TRIAL_STYLES,
  type TrialInput,
  type TrialStyle,
  trialFeeds,
  trialRowBytes,
} from '../../model/certify/trial-rows.ts';
import { findBatchAxis } from '../../model/elements/batch-axis.ts';
import type { TensorValue } from '../../model/elements/elements.ts';
import { USUAL_STEPS } from '../tensor/slab-layout.ts';

/** How made-up rows are fed to a model that no table is bound to. */
export interface MadeInputs {
  readonly inputs: readonly TrialInput[];
  /** Rows that every batch has; null where it may have any number. */
  readonly fixedBatch: number | null;
  /** Bytes of the feeds of a row. */
  readonly rowBytes: number;
}

/** Made-up rows of a kind that the model takes. */
export interface MadeRows {
  readonly made: MadeInputs;
  readonly style: TrialStyle;
}

/** What is too large says who would pack it. */
const ANY_BATCH = { least: 0, most: Number.MAX_SAFE_INTEGER };

/**
 * Ways to feed a model: axes that it leaves open behind the batch have the length of a usual list.
 *
 * Errors: MODEL_BATCH_AXIS, MODEL_INVALID where nobody knows what its rows are.
 */
export function madeInputs(signature: Signature, where: string): readonly MadeInputs[] {
  const axis = findBatchAxis(signature, where, ANY_BATCH);
  return waysToFeed(signature, axis, [USUAL_STEPS]).map((inputs) => ({
    inputs,
    fixedBatch: axis.fixedBatch,
    rowBytes: trialRowBytes(inputs),
  }));
}

/** Seed of rows that are made up: the same ones every time. */
const SEED = 20_240_229;

/** Made-up rows, the same ones for the same style. */
export function madeFeeds(made: MadeInputs, rows: number, style: TrialStyle): ReadonlyMap<string, TensorValue> {
  return trialFeeds(made.inputs, rows, style, SEED, false);
}

/** The first kind of made-up rows that a model takes. Errors: where it takes none, what `run` threw first. */
export async function rowsThatRun(
  ways: readonly MadeInputs[],
  run: (feeds: ReadonlyMap<string, TensorValue>) => Promise<unknown>,
): Promise<MadeRows> {
  const refused: unknown[] = [];
  for (const made of ways) {
    for (const style of TRIAL_STYLES) {
      try {
        await run(madeFeeds(made, made.fixedBatch ?? 1, style));
        return { made, style };
      } catch (error) {
        refused.push(error);
      }
    }
  }
  throw refused[0];
}
