import type { BoundOutput } from '../../base/contract/binding.ts';
import type { OutputSpec, TensorOutput } from '../../base/contract/job.ts';
import type { Signature, TensorSignature, TensorType } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { bindReasons } from './bind-reasons.ts';
import { refuseOutputAxis } from './model-axes.ts';
import { USUAL_STEPS } from './slab-layout.ts';

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

/** Lists of up to so many elements need no room of their own. */
const SHORT_LIST = 1024;

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
  refuseOutputAxis(tensor, signature, where);
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
  const elements = tensor.dims.slice(1).reduce<number>((all, d) => all * (d ?? USUAL_STEPS), 1);
  const size = elements > SHORT_LIST ? { elements } : {};
  return { ...base, kind: 'list', type: `${COLUMN_TYPES[tensorType]}[]`, ...size };
}

function isScalar(tensor: TensorSignature): boolean {
  return tensor.dims.slice(1).every((d) => d === 1);
}

function labelType(labels: readonly (string | number)[] | null): string {
  if (labels === null) return 'INTEGER';
  if (labels.some((l) => typeof l === 'string')) return 'VARCHAR';
  return labels.every((l) => Number.isSafeInteger(l)) ? 'BIGINT' : 'DOUBLE';
}

/** The refusal of an output that is no tensor, with what to change. */
export function outputTypeError(
  tensor: TensorSignature | undefined,
  signature: Signature,
  where: string,
): PrescoreError {
  const inputs = signature.inputs.map(({ name }) => `'${name}'`).join(', ');
  const usable = signature.outputs.filter((t) => t.type !== null).map((t) => t.name);
  return new PrescoreError('MODEL_OUTPUT_TYPE', {
    what: `output ${tensor?.name ?? '(none)'} is a ${tensor?.declared ?? 'non-tensor'}, which cannot be a column`,
    where,
    expected: usable.length > 0 ? `a tensor (${usable.join(', ')})` : 'a tensor',
    got: tensor?.declared ?? 'nothing',
    fix: `Let a tensor be the output. Where one goes into it, cut the rest off: python -c "import onnx; onnx.utils.extract_model('model.onnx', 'cut.onnx', [${inputs}], ['TENSOR'])", with the name of the tensor that Netron shows before ${tensor?.name ?? 'the output'}; in torch, return a tensor from forward (torch.stack(answers, 1)) and torch.onnx.export again.`,
  });
}
