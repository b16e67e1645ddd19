import { floatExp } from './float-exp.ts';
import type { HeadTransform } from './tree-head.ts';

/** Beyond it a logistic curve is 1 in float32, whatever the exponential's last bits are. */
const FLAT = 40;

/** Whether `transformFloats` knows a transform. */
export function isKnownTransform({ name }: HeadTransform): boolean {
  return name === 'LOGISTIC' || name === 'SOFTMAX';
}

/**
 * What ONNX Runtime's post-transform (ml_common.h: ComputeLogistic, ComputeSoftmax) gives for scores, in every bit, as its node gives it: of
 * single scores those of two classes. Null where a value is not sure: ONNX Runtime has to be asked.
 */
export function transformFloats(transform: HeadTransform, scores: Float32Array): Float32Array<ArrayBuffer> | null {
  return transform.name === 'LOGISTIC' ? logistics(scores) : softmaxes(scores, transform.width);
}

function logistics(scores: Float32Array): Float32Array<ArrayBuffer> | null {
  const values = new Float32Array(2 * scores.length);
  for (let i = 0; i < scores.length; i++) {
    const size = Math.abs(scores[i]!);
    const above = size > FLAT ? 1 : Math.fround(1 / Math.fround(1 + floatExp(-size)));
    if (Number.isNaN(above)) return null;
    const below = Math.fround(1 - above);
    const isBelow = scores[i]! < 0;
    values[2 * i] = isBelow ? above : below;
    values[2 * i + 1] = isBelow ? below : above;
  }
  return values;
}

function softmaxes(scores: Float32Array, width: number): Float32Array<ArrayBuffer> | null {
  const values = new Float32Array(scores.length);
  for (let at = 0; at < scores.length; at += width) {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = at; k < at + width; k++) most = Math.max(most, scores[k]!);
    let sum = 0;
    for (let k = at; k < at + width; k++) {
      const value = floatExp(Math.fround(scores[k]! - most));
      if (Number.isNaN(value)) return null;
      values[k] = value;
      sum = Math.fround(sum + value);
    }
    for (let k = at; k < at + width; k++) values[k] = values[k]! / sum;
  }
  return values;
}
