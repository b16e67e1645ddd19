import type { Dim, Signature, TensorSignature } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** `[batch, 3, ?]`. */
export function describeDims(dims: readonly Dim[]): string {
  return `[${dims.map((d, i) => d ?? (i === 0 ? 'batch' : '?')).join(', ')}]`;
}

/**
 * Refuses an input with a fixed first axis and an open later one: its batch is somewhere else, or it is state. `isFed`: columns are to feed it.
 *
 * Errors: MODEL_BATCH_AXIS, MODEL_STATEFUL, with what to export instead.
 */
export function refuseBatchAxis(tensor: TensorSignature, signature: Signature, isFed: boolean, where: string): void {
  const [first, ...rest] = tensor.dims;
  const shape = describeDims(tensor.dims);
  const isElsewhere = typeof first === 'number' && rest.includes(null);
  if (isState(tensor, signature, isElsewhere) && (isElsewhere || isFed)) {
    throw new PrescoreError('MODEL_STATEFUL', {
      what: `input ${tensor.name} ${shape} looks like state that goes from call to call`,
      where,
      expected: '[batch, …]',
      got: shape,
      fix: withoutState(tensor, signature),
    });
  }
  if (!isElsewhere) return;
  throw new PrescoreError('MODEL_BATCH_AXIS', {
    what: `input ${tensor.name} has a fixed first axis and an open later one`,
    where,
    expected: '[batch, …]',
    got: shape,
    fix: withBatchFirst(tensor, 'input'),
  });
}

/** The same of an output: `[3, batch]`, where 3 is no input's batch. Other declared shapes are not trusted. Errors: MODEL_BATCH_AXIS. */
export function refuseOutputAxis(tensor: TensorSignature, signature: Signature, where: string): void {
  const [first, ...rest] = tensor.dims;
  if (typeof first !== 'number' || !rest.includes(null)) return;
  if (signature.inputs.some((input) => input.dims[0] === first)) return;
  throw new PrescoreError('MODEL_BATCH_AXIS', {
    what: `output ${tensor.name} has a fixed first axis and an open later one`,
    where,
    expected: '[batch, …]',
    got: `[${tensor.dims.map((d) => d ?? '?').join(', ')}]`,
    fix: withBatchFirst(tensor, 'output'),
  });
}

const STATE_NAMES = /state|hidden|cache|past|^[hc]\d*$/i;

// State comes beside the rows and goes out in the shape in which it came in.
function isState(tensor: TensorSignature, { inputs, outputs }: Signature, isElsewhere: boolean): boolean {
  if (inputs.length < 2) return false;
  const isNamed = STATE_NAMES.test(tensor.name);
  if (isElsewhere)
    return isNamed || outputs.some((o) => o.type === tensor.type && describeDims(o.dims) === describeDims(tensor.dims));
  // Of fixed axes: what comes back bears the name, as `hn` and `stateN` of `h` and `state`.
  const isLike = (dims: readonly Dim[]): boolean =>
    dims.length === tensor.dims.length && dims.every((d, i) => d === null || d === tensor.dims[i]);
  const isReturned = outputs.some((o) => o.type === tensor.type && o.name.startsWith(tensor.name) && isLike(o.dims));
  return isNamed && isReturned && tensor.dims.length > 2 && tensor.dims.every((d) => d !== null);
}

function withoutState(state: TensorSignature, { inputs }: Signature): string {
  const rows = inputs.find((input) => input.dims.length > 0 && !STATE_NAMES.test(input.name)) ?? inputs[0]!;
  const zeros = state.dims.map((d) => d ?? `${variable(rows.name)}.shape[0]`).join(', ');
  return `Rows are scored on their own: export it with its state inside, from zero. In torch, wrap the module so that forward(self, ${variable(rows.name)}) calls it with torch.zeros(${zeros}) as ${state.name} and returns the answer alone, then torch.onnx.export(wrapper, (example,), 'model.onnx', input_names=['${rows.name}'], dynamic_axes={'${rows.name}': {0: 'batch'}}).`;
}

function withBatchFirst({ name, dims }: TensorSignature, side: 'input' | 'output'): string {
  const open = dims.indexOf(null, 1);
  const x = variable(name);
  const call = side === 'input' ? `self.model(${x}.movedim(0, ${open}))` : `self.model(…).movedim(${open}, 0)`;
  const axes = `dynamic_axes={'${name}': {0: 'batch'}}`;
  if (dims.filter((d) => d === null).length > 1)
    return `Export it with a batch in front, torch.onnx.export(model, (example.unsqueeze(0),), 'model.onnx', ${side}_names=['${name}'], ${axes}).`;
  return `If axis ${open} is the batch, export a wrapper whose forward returns ${call}: torch.onnx.export(wrapper, (example,), 'model.onnx', ${side}_names=['${name}'], ${axes}).`;
}

/** The line that gives the open axes of an input fixed lengths. */
export function fixAxesLine({ name, dims }: TensorSignature): string {
  const open = dims.flatMap((d, i) => (d === null && i > 0 ? [i] : []));
  const sizes = open.map((i) => `d[${i}].dim_value = LENGTH_${i}`).join('; ');
  return `python -c "import onnx; m = onnx.load('model.onnx'); d = next(i for i in m.graph.input if i.name == '${name}').type.tensor_type.shape.dim; ${sizes}; onnx.save(m, 'fixed.onnx')"`;
}

/** A name of Python. */
function variable(name: string): string {
  const plain = name.replace(/\W+/g, '_');
  return /^[A-Za-z_]/.test(plain) ? plain : `x_${plain}`;
}
