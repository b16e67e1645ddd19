import { type BatchAxis, findBatchAxis } from '../elements/batch-axis.ts';
import { type TensorValue, zeros } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
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
  const isOpen = session.signature.inputs.some(({ dims }) => dims.slice(1).includes(null));
  return STEPS.slice(isOpen ? 0 : 1).map((steps) => ({
    session,
    inputs: declaredInputs(session, axis, steps),
    fetches,
    fixedBatch,
    onBatch,
  }));
}

function declaredInputs({ signature }: ModelSession, { batched }: BatchAxis, steps: number): TrialInput[] {
  return signature.inputs.map(({ name, type, dims }): TrialInput => {
    const known = type ?? 'float32';
    const isBatched = batched.has(name);
    const tail = dims.slice(isBatched ? 1 : 0).map((d) => d ?? (isBatched ? steps : 1));
    if (isBatched) return { name, type: known, tail };
    const same: TensorValue = { type: known, dims: tail, data: zeros(known, countOf(tail)) };
    return { name, same: () => same };
  });
}
