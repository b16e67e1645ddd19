import type { BoundConstant } from '../../base/contract/binding.ts';
import type { ConstantValue } from '../../base/contract/job.ts';
import { elementBytes, elementView, type FeedTensor } from '../../model/elements/elements.ts';
import { storedValue } from '../../model/elements/stored-value.ts';

/**
 * A constant feed for one batch: repeated along the first axis when that is the batch, else as it is. `steps`: the length of its
 * open axis, where it has one.
 */
export function constantTensor(input: BoundConstant, batch: number, steps = 1): FeedTensor {
  const values = flatten(input.value);
  const hasBatch = input.dims.length > 0 && input.dims[0] === null;
  const tail = input.dims.slice(hasBatch ? 1 : 0).map((d) => d ?? steps);
  const dims = hasBatch ? [batch, ...tail] : tail;
  const count = dims.reduce((product, d) => product * d, 1);
  const at = (i: number) => values[i % values.length] ?? 0;
  if (input.type === 'string')
    return { type: 'string', dims, data: Array.from({ length: count }, (_, i) => String(at(i))) };
  const data = elementView(input.type, new ArrayBuffer(count * elementBytes(input.type)), 0, count);
  for (let i = 0; i < count; i++) {
    const value = at(i);
    data[i] = storedValue(input.type, typeof value === 'string' ? Number(value) : value);
  }
  return { type: input.type, dims, data };
}

/** The scalars of a constant in row-major order. */
export function flatten(value: ConstantValue): (number | string | boolean)[] {
  return Array.isArray(value) ? value.flatMap((v: ConstantValue) => flatten(v)) : [value as number | string | boolean];
}
