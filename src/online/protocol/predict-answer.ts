import { elementTexts } from './json-tensors.ts';
import { requestFault } from './request-fault.ts';
import type { InferResult, WireTensor } from './wire.ts';

/**
 * The body of a predict answer as JSON text: `predictions`, a value or an object of values a row, or `outputs`, a tensor or an
 * object of tensors. A single output has no name around it.
 *
 * Errors: LIVE_REQUEST when rows were asked for and an output has none.
 */
export function writePredictAnswer(result: InferResult, form: 'rows' | 'columns'): string {
  return form === 'rows' ? `{"predictions":${writeRows(result)}}` : `{"outputs":${writeColumns(result)}}`;
}

function writeRows({ rows, outputs }: InferResult): string {
  const columns = outputs.map((output) => {
    if (output.shape[0] !== rows)
      throw requestFault(
        'an output has no value for each row',
        `output ${output.name}`,
        'the form with inputs (columns)',
      );
    const texts = elementTexts(output.type, output.data);
    const axes = output.shape.slice(1);
    const stride = rows === 0 ? 0 : texts.length / rows;
    return { name: JSON.stringify(output.name), at: (row: number) => nest(texts, axes, 0, row * stride) };
  });
  const values: string[] = [];
  for (let row = 0; row < rows; row++) {
    const named = columns.map(({ name, at }) => (columns.length === 1 ? at(row) : `${name}:${at(row)}`));
    values.push(columns.length === 1 ? named[0]! : `{${named.join(',')}}`);
  }
  return `[${values.join(',')}]`;
}

function writeColumns({ outputs }: InferResult): string {
  const tensor = ({ type, data, shape }: WireTensor): string => nest(elementTexts(type, data), shape, 0, 0);
  if (outputs.length === 1) return tensor(outputs[0]!);
  return `{${outputs.map((output) => `${JSON.stringify(output.name)}:${tensor(output)}`).join(',')}}`;
}

function nest(texts: readonly string[], shape: readonly number[], axis: number, from: number): string {
  if (axis === shape.length) return texts[from]!;
  const length = shape[axis]!;
  if (axis === shape.length - 1) return `[${texts.slice(from, from + length).join(',')}]`;
  const stride = shape.slice(axis + 1).reduce((product, inner) => product * inner, 1);
  const parts = Array.from({ length }, (_, i) => nest(texts, shape, axis + 1, from + i * stride));
  return `[${parts.join(',')}]`;
}
