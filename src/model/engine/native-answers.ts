import type { TensorValue } from '../elements/elements.ts';
import type { NativeShape, NativeTransform } from '../native/native-model.ts';
import { floatsOf } from '../trees/float-arrays.ts';
import { labelType } from './native-signature.ts';

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * What the trainer's `predict` answers for raw scores: one value a raw score, or one probability a class. Exponentials are JavaScript's: their
 * last bit may differ from that of the trainer's library.
 */
export function transformed(model: NativeShape, raw: Float32Array | Float64Array): Floats {
  const { transform, average, arithmetic } = model.outputs;
  const { targets } = model.ensemble;
  const values = floatsOf(arithmetic, raw.length);
  if (transform.kind === 'softmax') {
    for (let at = 0; at < raw.length; at += targets) softmax(raw, at, targets, average, values);
    return values;
  }
  for (let i = 0; i < raw.length; i++) values[i] = oneOf(transform, raw[i]! / average);
  return values;
}

/** Probabilities of all classes, [N, classes], from the answers: of one score both classes. */
export function probabilities(model: NativeShape, answers: Floats): TensorValue {
  const { classes, arithmetic } = model.outputs;
  const rows = answers.length / model.ensemble.targets;
  if (model.ensemble.targets === classes) return { type: arithmetic, dims: [rows, classes], data: answers };
  const data = floatsOf(arithmetic, 2 * rows);
  for (let row = 0; row < rows; row++) {
    data[2 * row] = 1 - answers[row]!;
    data[2 * row + 1] = answers[row]!;
  }
  return { type: arithmetic, dims: [rows, 2], data };
}

/** Which class each row's is, from its answers and raw scores; of equal ones the first. */
export function classPicker(
  model: NativeShape,
  answers: Floats,
  raw: Float32Array | Float64Array,
): (row: number) => number {
  const { targets } = model.ensemble;
  const half = model.outputs.transform.kind === 'step' ? 0 : 0.5;
  const { border } = model.outputs;
  return (row) => {
    if (targets === 1) return Number(border === undefined ? answers[row]! > half : raw[row]! > border);
    let best = 0;
    for (let k = 1; k < targets; k++) if (answers[row * targets + k]! > answers[row * targets + best]!) best = k;
    return best;
  };
}

/** The class of each row. */
export function labels(model: NativeShape, answers: Floats, raw: Float32Array | Float64Array): TensorValue {
  const rows = answers.length / model.ensemble.targets;
  const pick = classPicker(model, answers, raw);
  const { classes } = model;
  const type = labelType(classes);
  if (type === 'string')
    return {
      type: 'string',
      dims: [rows],
      data: Array.from({ length: rows }, (_, row) => String(classes![pick(row)])),
    };
  if (type === 'float64')
    return { type, dims: [rows], data: Float64Array.from({ length: rows }, (_, row) => Number(classes![pick(row)])) };
  const data = new BigInt64Array(rows);
  for (let row = 0; row < rows; row++) {
    const place = pick(row);
    data[row] = BigInt(Number(classes?.[place] ?? place));
  }
  return { type: 'int64', dims: [rows], data };
}

function oneOf(transform: Exclude<NativeTransform, { kind: 'softmax' }>, raw: number): number {
  switch (transform.kind) {
    case 'identity':
      return raw;
    case 'sigmoid':
      return 1 / (1 + Math.exp(-transform.slope * raw));
    case 'exp':
      return Math.exp(raw);
    case 'log1pExp':
      return Math.log1p(Math.exp(raw));
    case 'signedSquare':
      return Math.sign(raw) * raw * raw;
    case 'step':
      return Number(raw > 0);
  }
}

function softmax(raw: Float32Array | Float64Array, at: number, count: number, average: number, into: Floats): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let k = at; k < at + count; k++) most = Math.max(most, raw[k]! / average);
  let sum = 0;
  for (let k = at; k < at + count; k++) sum += Math.exp(raw[k]! / average - most);
  for (let k = at; k < at + count; k++) into[k] = Math.exp(raw[k]! / average - most) / sum;
}
