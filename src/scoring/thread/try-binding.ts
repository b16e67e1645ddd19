import type { Binding } from '../../base/contract/binding.ts';
import type { RowTrial } from '../../base/contract/row-dependence.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { constantTensor } from '../tensor/constant-tensor.ts';
import type { TrialInput } from './trial-rows.ts';
import { tryRows } from './try-rows.ts';

/** Tries the rows of a binding (see `tryRows`) in batches of up to `rows`. `onBatch` is told of each, as in scoring. */
export function tryBinding(
  session: ModelSession,
  binding: Binding,
  rows: number,
  onBatch: (isBusy: boolean) => void,
): Promise<RowTrial> {
  const inputs = binding.inputs.map((input): TrialInput => {
    if (input.kind === 'constant') return { name: input.tensor, same: (batch) => constantTensor(input, batch) };
    return { name: input.tensor, type: input.type, tail: input.tail };
  });
  const fetches = [...new Set(binding.outputs.map((o) => o.tensor))];
  return tryRows({
    inputs,
    rows: binding.fixedBatch ?? rows,
    isFixed: binding.fixedBatch !== null,
    isExact: session.granted.device === 'cpu',
    run: (feeds) => {
      onBatch(true);
      return session.run(feeds, fetches).finally(() => onBatch(false));
    },
  });
}
