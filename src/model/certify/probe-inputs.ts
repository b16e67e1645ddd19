import type { Signature } from '../../base/contract/signature.ts';
import { type BatchAxis, findBatchAxis } from '../elements/batch-axis.ts';
import { type TensorValue, zeros } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
import { storedValue } from '../elements/stored-value.ts';
import type { ProbeModel } from './probe-model.ts';
import { countOf } from './tensor-rows.ts';
import type { TrialInput } from './trial-rows.ts';

/** Steps of lists where the model leaves an axis open: several, or one where it takes no others. */
const STEPS = [8, 1];

/** Ways to feed a model by what it declares; the later ones are for models that refuse the earlier. Errors: none. */
export function probesOf(session: ModelSession, onBatch: (isBusy: boolean) => void): readonly ProbeModel[] {
  let axis: BatchAxis;
  try {
    axis = findBatchAxis(session.signature, '');
  } catch {
    return [];
  }
  const { fixedBatch, fetches } = axis;
  return waysToFeed(session.signature, axis, STEPS).map((inputs) => ({
    session,
    inputs,
    fetches,
    fixedBatch,
    onBatch,
  }));
}

/**
 * Ways to feed a model by what it declares: with lists of each of these lengths where it leaves an axis open, and inputs without a declared
 * shape as rows, then as single values beside others that have rows. What is the same for all rows is ones, which hide less than zeros, then
 * zeros for models that do not take them. Errors: none.
 */
export function waysToFeed(signature: Signature, axis: BatchAxis, steps: readonly number[]): readonly TrialInput[][] {
  const { inputs } = signature;
  const isOpen = inputs.some(({ dims }) => dims.slice(1).includes(null));
  const shapeless = new Set(inputs.filter(({ isShapeless }) => isShapeless === true).map(({ name }) => name));
  const rowwise = [axis.batched];
  // Something must have rows.
  const others = [...axis.batched].filter((name) => !shapeless.has(name));
  if (shapeless.size > 0 && others.length > 0) rowwise.push(new Set(others));
  else if (shapeless.size > 1) for (const name of shapeless) rowwise.push(new Set([name]));
  return rowwise.flatMap((batched) =>
    (batched.size < inputs.length ? [1, 0] : [0]).flatMap((value) =>
      (isOpen ? steps : steps.slice(-1)).map((length) => declaredInputs(signature, batched, length, value)),
    ),
  );
}

function declaredInputs(
  { inputs }: Signature,
  batched: ReadonlySet<string>,
  steps: number,
  value: number,
): TrialInput[] {
  return inputs.map(({ name, type, dims, isShapeless }): TrialInput => {
    const known = type ?? 'float32';
    if (batched.has(name)) return { name, type: known, tail: dims.slice(1).map((d) => d ?? steps) };
    const own = isShapeless === true ? [] : dims.map((d) => d ?? 1);
    const data: ArrayLike<unknown> = zeros(known, countOf(own));
    const cells = data as unknown[];
    if (known !== 'string') cells.fill(storedValue(known, value));
    const same: TensorValue = { type: known, dims: own, data };
    return { name, same: () => same };
  });
}
