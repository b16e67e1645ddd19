import type { BoundOutput } from '../../base/contract/binding.ts';
import type { LiveTensor } from '../../base/contract/live-model.ts';
import type { PredictionValue } from '../../base/contract/prediction-set.ts';
import { elementView, type TensorValue } from '../../model/elements/elements.ts';
import type { PredictionColumn } from '../../scoring/tensor/fetch-columns.ts';

/** A tensor of an answer as the reader of fetches takes it. Owns: nothing, a view. */
export function fetchedTensor({ type, dims, data }: LiveTensor): TensorValue {
  if (!ArrayBuffer.isView(data)) return { type, dims, data };
  const count = dims.reduce((product, d) => product * d, 1);
  return { type, dims, data: elementView(type, data.buffer, data.byteOffset, count) };
}

/** One row of a prediction column as a set's reader would give it. */
export function predictionValue(output: BoundOutput, column: PredictionColumn, row: number): PredictionValue {
  if (column.kind === 'text') return column.data[row] ?? null;
  const isFlag = output.type.startsWith('BOOLEAN');
  const at = (i: number): number | bigint | boolean | string => {
    const value = column.data[i]!;
    if (output.kind === 'reasons') return String(output.labels?.[Number(value)]);
    return isFlag ? value !== 0 : value;
  };
  if (column.kind === 'ragged')
    return Array.from({ length: column.sizes[row]! }, (_, k) => at(column.starts[row]! + k));
  if (!column.isList) return at(row);
  return Array.from({ length: column.width }, (_, k) => at(row * column.width + k));
}
