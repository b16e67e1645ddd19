import type { Signature, TensorSignature } from '../../base/contract/signature.ts';
import { countOf } from '../../model/certify/tensor-rows.ts';
import {
  TRIAL_STYLES,
  type TrialInput,
  type TrialStyle,
  trialFeeds,
  trialRowBytes,
} from '../../model/certify/trial-rows.ts';
import { type TensorValue, zeros } from '../../model/elements/elements.ts';
import { USUAL_STEPS } from '../tensor/slab-layout.ts';

/** How made-up rows are fed to a model that no table is bound to. */
export interface MadeInputs {
  readonly inputs: readonly TrialInput[];
  /** Rows that every batch has; null where it may have any number. */
  readonly fixedBatch: number | null;
  /** Bytes of the feeds of a row. */
  readonly rowBytes: number;
}

/** Axes that the model leaves open behind the batch have the length of a usual list. Errors: none; inputs that are no tensors are left out. */
export function madeInputs({ inputs }: Signature): MadeInputs {
  const shaped = inputs.filter(({ type, dims }) => type !== null && dims.length > 0);
  const isOpen = shaped.some(({ dims }) => dims[0] === null);
  const sizes = new Set(shaped.map(({ dims }) => dims[0]));
  const fixedBatch = isOpen || sizes.size !== 1 ? null : (shaped[0]?.dims[0] ?? null);
  const made = inputs.flatMap((input) => madeInput(input, fixedBatch !== null));
  return { inputs: made, fixedBatch, rowBytes: trialRowBytes(made) };
}

function madeInput({ name, type, dims, isShapeless }: TensorSignature, isFixed: boolean): TrialInput[] {
  if (type === null) return [];
  const lengths = dims.map((dim) => dim ?? USUAL_STEPS);
  if (isShapeless !== true && dims.length > 0 && (dims[0] === null || isFixed))
    return [{ name, type, tail: lengths.slice(1) }];
  const own = isShapeless === true ? [] : lengths;
  const same: TensorValue = { type, dims: own, data: zeros(type, countOf(own)) };
  return [{ name, same: () => same }];
}

/** Seed of rows that are made up: the same ones every time. */
const SEED = 20_240_229;

/** Made-up rows, the same ones for the same style. */
export function madeFeeds(made: MadeInputs, rows: number, style: TrialStyle): ReadonlyMap<string, TensorValue> {
  return trialFeeds(made.inputs, rows, style, SEED, false);
}

/** The first kind of made-up rows that a model takes. Errors: where it takes none, what `run` threw last. */
export async function styleThatRuns(
  made: MadeInputs,
  run: (feeds: ReadonlyMap<string, TensorValue>) => Promise<unknown>,
): Promise<TrialStyle> {
  let refused: unknown;
  for (const style of TRIAL_STYLES) {
    try {
      await run(madeFeeds(made, made.fixedBatch ?? 1, style));
      return style;
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}
