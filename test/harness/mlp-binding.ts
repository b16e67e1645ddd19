import type { Binding } from '../../src/base/contract/binding.ts';

/** How columns of floats become the input of a model of bench/gpu/onnx-writer.ts, and its score a column. */
export function mlpBinding(columns: readonly string[]): Binding {
  return {
    fixedBatch: null,
    inputs: [{ kind: 'columns', tensor: 'features', type: 'float32', tail: [columns.length], columns, nulls: 'nan' }],
    outputs: [
      {
        column: 'score',
        tensor: 'score',
        tensorType: 'float32',
        kind: 'scalar',
        index: null,
        labels: null,
        type: 'FLOAT',
      },
    ],
  };
}
