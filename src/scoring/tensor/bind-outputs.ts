import type { BoundOutput } from '../../base/contract/binding.ts';
import type { OutputSpec, TensorOutput } from '../../base/contract/job.ts';
import type { Signature, TensorSignature, TensorType } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { bindReasons } from './bind-reasons.ts';

/** Types of prediction columns by tensor type, in DuckDB's spelling (docs/types.md). */
const COLUMN_TYPES: Readonly<Record<TensorType, string>> = {
  float16: 'FLOAT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'UTINYINT',
  uint16: 'USMALLINT',
  uint32: 'UINTEGER',
  uint64: 'UBIGINT',
  bool: 'BOOLEAN',
  string: 'VARCHAR',
};

/**
 * Binds prediction columns to outputs of the model. Left out, every tensor output becomes a column of its own name, but for those on request. The
 * declared shape only chooses between scalar and list; what really comes is checked at every batch.
 *
 * Errors: SIGNATURE_MISMATCH, MODEL_OUTPUT_TYPE.
 */
export function bindOutputs(
  outputs: Readonly<Record<string, OutputSpec>> | null,
  signature: Signature,
  where: string,
): BoundOutput[] {
  if (outputs === null) {
    const tensors = signature.outputs.filter((t) => t.type !== null && t.isOnRequest !== true);
    if (tensors.length === 0) throw outputTypeError(signature.outputs[0], signature, where);
    const plain = { index: null, argmax: false, labels: null };
    return tensors.map((t) => bindOutput(t.name, { tensor: t.name, ...plain }, signature, where));
  }
  return Object.entries(outputs).flatMap(([column, spec]) =>
    'explain' in spec ? bindReasons(column, spec, signature, where) : [bindOutput(column, spec, signature, where)],
  );
}

function bindOutput(column: string, spec: TensorOutput, signature: Signature, where: string): BoundOutput {
  const tensor = signature.outputs.find((t) => t.name === spec.tensor);
  if (tensor === undefined) {
    const known = signature.outputs.map((t) => t.name).join(', ');
    throw new PrescoreError('SIGNATURE_MISMATCH', {
      what: `outputs.${column}: the model has no output ${JSON.stringify(spec.tensor)}`,
      where,
      expected: `one of ${known}`,
      got: spec.tensor,
    });
  }
  if (tensor.type === null) throw outputTypeError(tensor, signature, where);
  refuseBatchAxis(tensor, signature, where);
  const tensorType = tensor.type;
  const base = { column, tensor: tensor.name, tensorType, index: spec.index, labels: spec.labels };
  if (spec.argmax) {
    if (tensorType === 'string' || tensorType === 'bool') {
      throw new PrescoreError('SIGNATURE_MISMATCH', {
        what: `outputs.${column}: argmax needs numbers`,
        where,
        expected: 'a numeric tensor',
        got: tensorType,
      });
    }
    return { ...base, kind: 'argmax', type: labelType(spec.labels) };
  }
  if (spec.index !== null) return { ...base, kind: 'index', type: COLUMN_TYPES[tensorType] };
  if (isScalar(tensor)) return { ...base, kind: 'scalar', type: COLUMN_TYPES[tensorType] };
  if (tensorType === 'string') {
    throw new PrescoreError('SIGNATURE_MISMATCH', {
      what: `outputs.${column}: a tensor of texts has several values a row`,
      where,
      expected: 'index:',
      got: 'a whole tensor',
    });
  }
  return { ...base, kind: 'list', type: `${COLUMN_TYPES[tensorType]}[]` };
}

// [3, batch]: a fixed first axis that is no input's batch, and an open one after it. Other declared shapes are not trusted.
function refuseBatchAxis(tensor: TensorSignature, signature: Signature, where: string): void {
  const [first, ...rest] = tensor.dims;
  if (typeof first !== 'number' || !rest.includes(null)) return;
  if (signature.inputs.some((input) => input.dims[0] === first)) return;
  throw new PrescoreError('MODEL_BATCH_AXIS', {
    what: `output ${tensor.name} has a fixed first axis and an open later one`,
    where,
    expected: '[batch, …]',
    got: `[${tensor.dims.map((d) => d ?? '?').join(', ')}]`,
  });
}

function isScalar(tensor: TensorSignature): boolean {
  return tensor.dims.slice(1).every((d) => d === 1);
}

function labelType(labels: readonly (string | number)[] | null): string {
  if (labels === null) return 'INTEGER';
  if (labels.some((l) => typeof l === 'string')) return 'VARCHAR';
  return labels.every((l) => Number.isSafeInteger(l)) ? 'BIGINT' : 'DOUBLE';
}

function outputTypeError(tensor: TensorSignature | undefined, signature: Signature, where: string): PrescoreError {
  const usable = signature.outputs.filter((t) => t.type !== null).map((t) => t.name);
  return new PrescoreError('MODEL_OUTPUT_TYPE', {
    what: `output ${tensor?.name ?? '(none)'} is a ${tensor?.declared ?? 'non-tensor'}, which cannot be a column`,
    where,
    expected: usable.length > 0 ? `a tensor (${usable.join(', ')})` : 'a tensor',
    got: tensor?.declared ?? 'nothing',
  });
}
