import type { TensorType } from '../../base/contract/signature.ts';
import { INTEGER_BOUNDS } from '../../model/elements/elements.ts';

const LARGEST: Partial<Record<TensorType, number>> = { float16: 65519, float32: 3.4028234663852886e38 };

/** Why a constant or a fill of the job file cannot be an element of a tensor; null when it can. Nothing is ever rounded. */
export function valueProblem(type: TensorType, value: number | string | boolean): string | null {
  if ((typeof value === 'string') !== (type === 'string')) return `the value cannot be ${type}`;
  if (typeof value === 'string') return value.includes('\0') ? 'the value holds a NUL character' : null;
  const number = Number(value);
  const bounds = INTEGER_BOUNDS[type];
  if (bounds !== undefined) {
    if (!Number.isInteger(number)) return `${type} takes whole numbers`;
    const [low, high] = bounds;
    return number < low || number > high ? `${number} is outside of ${type} (${low} to ${high})` : null;
  }
  const largest = LARGEST[type] ?? Number.MAX_VALUE;
  return Math.abs(number) > largest ? `${number} is too large for ${type}` : null;
}
