import type { BoundOutput } from '../../base/contract/binding.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { isNear, numberOf } from '../../model/certify/try-rows.ts';
import type { TensorValue } from '../../model/elements/elements.ts';

type Fetched = ReadonlyMap<string, TensorValue>;

/**
 * Compares a row that was padded in its batch with the same row alone, without padding. Kernels choose by size and round differently,
 * so a thousandth is let pass. Whole numbers and texts are compared where the model gives nothing else: a class turns over at
 * the last bit of its probability.
 *
 * Errors: MODEL_PADDING when they differ; MODEL_OUTPUT_SHAPE when the output is as long as the padded lists.
 */
export function provePadding(
  outputs: readonly BoundOutput[],
  batch: Fetched,
  rows: number,
  row: number,
  alone: Fetched,
): void {
  const wholes = outputs.filter((o) => !isFloat(batch.get(o.tensor)));
  const compared = wholes.length === outputs.length ? outputs : outputs.filter((o) => !wholes.includes(o));
  for (const output of outputs) {
    const [a, b] = [batch.get(output.tensor), alone.get(output.tensor)];
    if (a === undefined || b === undefined) continue;
    const width = a.data.length / rows;
    if (width !== b.data.length) throw longOutput(output, b.data.length, width);
    if (!compared.includes(output)) continue;
    for (let i = 0; i < width; i++) {
      const [left, right] = [a.data[row * width + i], b.data[i]];
      if (Object.is(left, right) || (typeof left !== 'string' && isNear(numberOf(a, row * width + i), numberOf(b, i))))
        continue;
      throw differs(output, String(right), String(left));
    }
  }
}

function isFloat(value: TensorValue | undefined): boolean {
  return value?.type === 'float32' || value?.type === 'float64' || value?.type === 'float16';
}

function longOutput({ column, tensor, kind }: BoundOutput, alone: number, padded: number): PrescoreError {
  return new PrescoreError('MODEL_OUTPUT_SHAPE', {
    what: 'an output is as long as the lists of its row, so padding would become part of predictions',
    where: `outputs.${column} (tensor ${tensor})`,
    expected: `${alone} values a row`,
    got: `${padded} beside longer rows`,
    fix:
      kind === 'list'
        ? 'Leave pad: out, so that only rows of one length share a batch; or export the model with a pooled output.'
        : 'Export the model with a pooled output, or leave pad: out.',
  });
}

function differs({ column, tensor }: BoundOutput, alone: string, padded: string): PrescoreError {
  return new PrescoreError('MODEL_PADDING', {
    what: `padding changes predictions: a row gives ${alone} alone and ${padded} beside longer rows`,
    where: `outputs.${column} (tensor ${tensor})`,
    expected: alone,
    got: padded,
  });
}
