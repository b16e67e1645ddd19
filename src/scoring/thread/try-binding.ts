import type { Binding, BoundMask } from '../../base/contract/binding.ts';
import type { RowTrial } from '../../base/contract/row-dependence.ts';
import type { ProbeModel } from '../../model/certify/probe-model.ts';
import type { TrialInput } from '../../model/certify/trial-rows.ts';
import { tryRows } from '../../model/certify/try-rows.ts';
import type { TensorValue } from '../../model/elements/elements.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { tailOf } from '../tensor/bind-sequences.ts';
import { constantTensor } from '../tensor/constant-tensor.ts';
import { maskTensor } from '../tensor/pad-rows.ts';

/** Length of made-up lists where any length is right. */
const TRIAL_STEPS = 8;

/** Tries the rows of a binding (see `tryRows`) in batches of up to `rows`. `onBatch` is told of each, as in scoring. */
export function tryBinding(
  session: ModelSession,
  binding: Binding,
  rows: number,
  onBatch: (isBusy: boolean) => void,
): Promise<RowTrial> {
  const { inputs, fetches } = bindingProbe(session, binding, onBatch);
  return tryRows({
    inputs,
    rows: binding.fixedBatch ?? rows,
    isFixed: binding.fixedBatch !== null,
    run: (feeds) => {
      onBatch(true);
      return session.run(feeds, fetches).finally(() => onBatch(false));
    },
  });
}

/** A model with made-up rows as a job feeds them. */
export function bindingProbe(session: ModelSession, binding: Binding, onBatch: (isBusy: boolean) => void): ProbeModel {
  const fetches = [...new Set(binding.outputs.map((o) => o.tensor))];
  return { session, inputs: boundInputs(binding), fetches, fixedBatch: binding.fixedBatch, onBatch };
}

function boundInputs(binding: Binding): TrialInput[] {
  const stepsOf = (length: number): number => Math.min(TRIAL_STEPS, binding.lengths?.[length]?.maxLength ?? 1);
  return binding.inputs.map((input): TrialInput => {
    const { tensor: name } = input;
    if (input.kind === 'constant')
      return { name, same: (batch) => constantTensor(input, batch, stepsOf(input.length ?? -1)) };
    if (input.kind === 'mask') return { name, same: (batch) => wholeMask(input, batch, stepsOf(input.length)) };
    const tail = input.kind === 'sequence' ? tailOf(input.tail, stepsOf(input.length)) : input.tail;
    return { name, type: input.type, tail };
  });
}

function wholeMask(mask: BoundMask, rows: number, steps: number): TensorValue {
  return maskTensor(mask, new Int32Array(rows), Int32Array.of(steps), steps);
}
