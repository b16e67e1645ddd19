import type { Signature, TensorSignature } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** How rows lie in a model's tensors. */
export interface BatchAxis {
  /** Rows of every batch, where the model fixes them; else null. */
  readonly fixedBatch: number | null;
  /** Inputs whose first axis is the batch; the others are the same for every row of a batch. */
  readonly batched: ReadonlySet<string>;
  /** Outputs that are tensors of a known type, in the model's order. */
  readonly fetches: readonly string[];
  /** What is given as well where somebody asks for it. */
  readonly onRequest: readonly string[];
}

/** Rows of a fixed batch that a server takes. */
const FIXED_BATCH = { least: 1, most: 65_536 };

/**
 * Finds the batch axis of a model from its declared inputs: an open first axis, or where no input has one, the first axis
 * that is fixed. Beside an open one, fixed axes belong to inputs that are the same for all rows. `fixed`: rows that a fixed batch may have.
 *
 * Errors: MODEL_BATCH_AXIS, MODEL_INVALID for inputs that are no tensors.
 */
export function findBatchAxis(signature: Signature, where: string, fixed = FIXED_BATCH): BatchAxis {
  for (const input of signature.inputs) refuseInput(input, where);
  const tensors = signature.outputs.filter((o) => o.type !== null);
  const fetches = tensors.filter((o) => o.isOnRequest !== true).map((o) => o.name);
  const onRequest = [
    ...tensors.filter((o) => o.isOnRequest === true).map((o) => o.name),
    ...[signature.explains?.tensor, signature.explains?.ofAnswer].filter((name) => typeof name === 'string'),
  ];
  const shaped = signature.inputs.filter((input) => input.dims.length > 0);
  const open = shaped.filter((input) => input.dims[0] === null);
  if (open.length > 0) return { fixedBatch: null, batched: namesOf(open), fetches, onRequest };
  const sizes = new Set(shaped.map((input) => input.dims[0]!));
  // Of several lengths the outputs tell which is the batch.
  const outputs = new Set(signature.outputs.map((o) => o.dims[0]));
  const candidates = sizes.size === 1 ? [...sizes] : [...sizes].filter((n) => outputs.has(n));
  const fixedBatch = candidates[0];
  if (candidates.length !== 1 || fixedBatch === undefined || fixedBatch < fixed.least || fixedBatch > fixed.most) {
    const got = signature.inputs.map((i) => `${i.name} [${i.dims.map((d) => d ?? '?').join(', ')}]`).join(', ');
    const expected = `[batch, …], or a batch of ${fixed.least} to ${fixed.most} rows`;
    throw new PrescoreError('MODEL_BATCH_AXIS', { what: 'no input has rows', where, expected, got });
  }
  return {
    fixedBatch,
    batched: namesOf(shaped.filter((input) => input.dims[0] === fixedBatch)),
    fetches,
    onRequest,
  };
}

function refuseInput(input: TensorSignature, where: string): void {
  if (input.type === null) {
    const what = `input ${input.name} is a ${input.declared}, which prescore cannot feed`;
    throw new PrescoreError('MODEL_INVALID', { what, where });
  }
  const [first, ...rest] = input.dims;
  if (typeof first !== 'number' || !rest.some((d) => d === null)) return;
  const what = `input ${input.name} has a fixed first axis and an open later one`;
  const got = `[${input.dims.map((d) => d ?? '?').join(', ')}]`;
  throw new PrescoreError('MODEL_BATCH_AXIS', { what, where, expected: '[batch, …]', got });
}

function namesOf(inputs: readonly TensorSignature[]): Set<string> {
  return new Set(inputs.map((input) => input.name));
}
