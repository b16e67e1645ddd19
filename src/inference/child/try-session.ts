import type { RowTrial } from '../../base/contract/row-dependence.ts';
import { type TensorValue, zeros } from '../../model/elements/elements.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import type { TrialInput } from '../../scoring/thread/trial-rows.ts';
import { TRIAL_ROWS, tryRows } from '../../scoring/thread/try-rows.ts';
import type { BatchAxis } from './batch-axis.ts';
import { countOf } from './tensor-data.ts';

/** Tries whether the rows of a loaded model are scored by themselves (see `tryRows`). Axes of any length have length one. */
export function trySession(session: ModelSession, axis: BatchAxis): Promise<RowTrial> {
  const inputs = session.signature.inputs.map(({ name, type, dims }): TrialInput => {
    const known = type ?? 'float32';
    const tail = dims.slice(axis.batched.has(name) ? 1 : 0).map((d) => d ?? 1);
    if (axis.batched.has(name)) return { name, type: known, tail };
    const same: TensorValue = { type: known, dims: tail, data: zeros(known, countOf(tail)) };
    return { name, same: () => same };
  });
  return tryRows({
    inputs,
    rows: axis.fixedBatch ?? TRIAL_ROWS,
    isFixed: axis.fixedBatch !== null,
    isExact: session.granted.device === 'cpu',
    run: (feeds) => session.run(feeds, axis.fetches),
  });
}
