import type { Binding, BoundInput, BoundSource } from '../../base/contract/binding.ts';
import type { FeatureSpec, NullPolicy } from '../../base/contract/job.ts';
import type { Dim, Signature, TensorSignature, TensorType } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sourceKind } from '../../data/duckdb/source-kind.ts';
import { elementBytes } from '../../model/elements/elements.ts';
import { bindMask, bindSequence, isSequence, lengthOfConstant, type RowLengths, rowLengths } from './bind-sequences.ts';
import { flatten } from './constant-tensor.ts';
import { refuseFixedBatch } from './fixed-batch.ts';
import { describeDims, refuseBatchAxis } from './model-axes.ts';
import { valueProblem } from './value-fits.ts';

const FLOATS: ReadonlySet<TensorType> = new Set<TensorType>(['float16', 'float32', 'float64']);

/** How columns feed a model: the half of a binding before the model. */
export type FeatureBinding = Pick<Binding, 'inputs' | 'fixedBatch' | 'lengths'>;

/** One line of the table that a mismatch shows: what the model wants, what the job and the data have. */
interface Mismatch {
  readonly tensor: string;
  readonly wants: string;
  readonly has: string;
  readonly why: string;
}

/**
 * Binds columns to the inputs of a model: many columns -> [N, F], one per input by name, a list column -> [N, K] or [N, T], or a
 * constant. `columns` maps column names to DuckDB types.
 *
 * Errors: SIGNATURE_MISMATCH with a table of both sides, all mismatches at once; MODEL_BATCH_AXIS, MODEL_STATEFUL.
 */
export function bindFeatures(
  features: Readonly<Record<string, FeatureSpec>> | null,
  signature: Signature,
  columns: ReadonlyMap<string, string>,
  where: string,
): FeatureBinding {
  const mismatches: Mismatch[] = [];
  const inputs: BoundInput[] = [];
  const batches = new Map<number, string>();
  const lengths = rowLengths(signature, (name) => featureOf(name, features), columns);
  for (const tensor of signature.inputs) {
    const feature = featureOf(tensor.name, features);
    refuseBatchAxis(tensor, signature, feature?.kind !== 'value', where);
    if (feature === undefined) {
      mismatches.push({
        tensor: tensor.name,
        wants: describeTensor(tensor),
        has: 'nothing',
        why: 'the model needs it; features: leaves it out',
      });
      continue;
    }
    const bound = bindInput(tensor, feature, columns, lengths);
    if ('why' in bound) mismatches.push(bound);
    else inputs.push(bound);
    const first = tensor.dims[0];
    if (feature.kind === 'columns' && typeof first === 'number') batches.set(first, tensor.name);
  }
  for (const name of Object.keys(features ?? {})) {
    if (signature.inputs.some((t) => t.name === name)) continue;
    mismatches.push({
      tensor: name,
      wants: 'no such input',
      has: `features.${name}`,
      why: 'the model has no input of this name',
    });
  }
  if (mismatches.length === 0 && inputs.every((input) => !isSource(input))) {
    const [has, why] = ['constants only', 'no column feeds the model: every row would get the same answer'];
    mismatches.push({ tensor: '(all inputs)', wants: 'at least one column', has, why });
  }
  if (mismatches.length > 0) throw mismatchError(mismatches, signature, columns, where);
  if (batches.size > 1) {
    const got = [...batches].map(([size, name]) => `${name}: ${size}`).join(', ');
    throw new PrescoreError('MODEL_BATCH_AXIS', {
      what: 'inputs have different fixed batch sizes',
      where,
      expected: 'one batch size',
      got,
    });
  }
  const fixedBatch = [...batches.keys()][0] ?? null;
  if (fixedBatch !== null) refuseBatchSize(fixedBatch, inputs, lengths, where);
  return { inputs, fixedBatch, ...(lengths.lengths.length === 0 ? {} : { lengths: lengths.lengths }) };
}

/** Whether columns give the values of an input. */
export function isSource(input: BoundInput): input is BoundSource {
  return input.kind !== 'constant' && input.kind !== 'mask';
}

// Tensors may have the names of Object's own members.
function featureOf(name: string, features: Readonly<Record<string, FeatureSpec>> | null): FeatureSpec | undefined {
  if (features === null) return { kind: 'columns', columns: [name], nulls: null };
  return Object.hasOwn(features, name) ? features[name] : undefined;
}

function bindInput(
  tensor: TensorSignature,
  feature: FeatureSpec,
  columns: ReadonlyMap<string, string>,
  lengths: RowLengths,
): BoundInput | Mismatch {
  const no = (has: string, why: string): Mismatch => ({ tensor: tensor.name, wants: describeTensor(tensor), has, why });
  const { type } = tensor;
  if (type === null) return no(feature.kind, `a ${tensor.declared} cannot be fed; ${asTensor(tensor)}`);
  if (feature.kind === 'value') return bindConstant(tensor, type, feature, lengths, no);
  if (feature.kind === 'mask') {
    const mask = bindMask(tensor, type, feature.of, lengths);
    return 'problem' in mask ? no(`maskOf ${feature.of}`, mask.problem) : mask;
  }
  if (tensor.dims.length === 0) return no(feature.columns.join(', '), 'a scalar input takes { value: … }');
  const tail = tensor.dims.slice(1);
  const isOpen = feature.pad !== undefined || feature.maxLength !== undefined;
  const isVector = feature.columns.length === 1 && (isOpen || product(tail) !== 1);
  const kinds = feature.columns.map((name) => {
    const found = columns.get(name);
    const type = found === NULLS ? nullsAs(tensor.type === 'string', isVector) : found;
    return { name, type, kind: sourceKind(type ?? '') };
  });
  const has =
    kinds
      .slice(0, 4)
      .map((k) => `${k.name} ${k.type ?? '(missing)'}`)
      .join(', ') + (kinds.length > 4 ? `, … (${kinds.length})` : '');
  const missing = kinds.filter((k) => k.type === undefined).map((k) => k.name);
  if (missing.length > 0)
    return no(
      has,
      `no column ${missing
        .slice(0, 5)
        .map((m) => JSON.stringify(m))
        .join(', ')}${nearest(missing[0]!, columns)}`,
    );
  const bad = kinds.find((k) => k.kind === null || (k.kind.carrier === 'str') !== (type === 'string'));
  if (bad !== undefined) return no(has, `column ${JSON.stringify(bad.name)} is ${bad.type}: it cannot feed ${type}`);
  const nulls = nullPolicy(feature.nulls ?? missingOf(tensor), type);
  if (typeof nulls === 'object' && 'problem' in nulls) return no(has, nulls.problem);
  if (tensor.dims.some((d, i) => i > 0 && d === 0)) return no(has, 'an axis of the model has length 0');
  if (isSequence(tensor, feature, columns)) {
    const bound = bindSequence(tensor, type, feature, nulls, lengths);
    return 'problem' in bound ? no(has, bound.problem) : bound;
  }
  if (isOpen) return no(has, 'pad and maxLength are for a list column where the model leaves the length open');
  if (kinds.length === 1 && kinds[0]!.kind!.list) {
    const width = product(tail);
    return { kind: 'list', tensor: tensor.name, type, column: kinds[0]!.name, width, tail: tail as number[], nulls };
  }
  const list = kinds.find((k) => k.kind!.list);
  if (list !== undefined) return no(has, `list column ${JSON.stringify(list.name)} must be alone`);
  const shape = fitTail(tail, kinds.length);
  if (shape === null)
    return no(`${kinds.length} columns`, `${kinds.length} columns do not make ${describeDims(tensor.dims)}`);
  return { kind: 'columns', tensor: tensor.name, type, tail: shape, columns: feature.columns, nulls };
}

/** In the place of a type: a column that holds nothing but nulls, whatever their type. It feeds any input. */
export const NULLS = 'only nulls';

/** The type as which a column of nothing but nulls feeds an input. */
export function typeOfNulls(input: BoundInput): string {
  return nullsAs(input.type === 'string', input.kind === 'list' || input.kind === 'sequence');
}

function nullsAs(isText: boolean, isVector: boolean): string {
  if (isText) return 'VARCHAR';
  return isVector ? 'DOUBLE[]' : 'INTEGER';
}

function asTensor({ name, declared }: TensorSignature): string {
  return declared === 'sequence' || declared === 'optional'
    ? `export the model with ${name} as one tensor [batch, …]: in torch, a wrapper that takes the tensor and makes the list of it (list(${name}.unbind(1))), then torch.onnx.export`
    : `export the model with ${name} as a tensor [batch, …] of numbers or texts`;
}

function bindConstant(
  tensor: TensorSignature,
  type: TensorType,
  feature: FeatureSpec & { kind: 'value' },
  lengths: RowLengths,
  no: (has: string, why: string) => Mismatch,
): BoundInput | Mismatch {
  const values = flatten(feature.value);
  const has = `value ${JSON.stringify(feature.value)}`;
  const problem = values.map((v) => valueProblem(type, v)).find((p) => p !== null);
  if (problem !== undefined) return no(has, problem);
  if (tensor.isShapeless === true && values.length !== 1)
    return no(has, 'the model declares no shape for it, so it takes one value alone');
  const dims = tensor.isShapeless === true ? [] : tensor.dims;
  const rest = dims.slice(dims[0] === null ? 1 : 0);
  const length = dims[0] === null ? lengthOfConstant(tensor, lengths) : null;
  if (length !== null && values.length === 1)
    return { kind: 'constant', tensor: tensor.name, type, dims, value: feature.value, length };
  if (rest.some((d) => d === null)) {
    const why =
      lengths.lengths.length === 0
        ? 'more than one axis is open: export the model with fixed axes after the batch'
        : 'its open axis takes one value, and the name of an axis that a list column feeds';
    return no(has, why);
  }
  const wanted = product(rest);
  if (values.length !== 1 && values.length !== wanted)
    return no(has, `${values.length} values do not fill ${describeDims(tensor.dims)}`);
  return { kind: 'constant', tensor: tensor.name, type, dims, value: feature.value };
}

function refuseBatchSize(batch: number, inputs: readonly BoundInput[], { lengths }: RowLengths, where: string): void {
  if (lengths.length > 0) {
    const what = `the model takes batches of exactly ${batch} rows, and lists of any length`;
    throw new PrescoreError('MODEL_BATCH_AXIS', { what, where, expected: 'an open batch axis', got: `${batch}` });
  }
  const width = (input: BoundInput): number => (isSource(input) ? product(input.tail) : 0);
  refuseFixedBatch(
    batch,
    batch * inputs.reduce((sum, input) => sum + width(input) * elementBytes(input.type), 0),
    where,
  );
}

// The policy, or why the one that was asked for cannot be.
function nullPolicy(asked: NullPolicy | null, type: TensorType): NullPolicy | { readonly problem: string } {
  if (asked === null) return FLOATS.has(type) ? 'nan' : 'reject';
  if (asked === 'nan' && !FLOATS.has(type))
    return { problem: 'nulls: nan needs a float input; use reject or { fill: … }' };
  const problem = typeof asked === 'object' ? valueProblem(type, asked.fill) : null;
  return problem === null ? asked : { problem: `nulls.fill: ${problem}` };
}

function fitTail(tail: readonly Dim[], count: number): number[] | null {
  if (tail.length === 0) return count === 1 ? [] : null;
  const open = tail.filter((d) => d === null).length;
  const fixed = product(tail.filter((d) => d !== null));
  if (open === 0) return fixed === count ? (tail as number[]) : null;
  if (open > 1 || fixed === 0 || count % fixed !== 0) return null;
  return tail.map((d) => d ?? count / fixed);
}

function product(dims: readonly Dim[]): number {
  return dims.reduce<number>((all, d) => all * (d ?? 1), 1);
}

/** `float32 [batch, 30]`. */
export function describeTensor(tensor: TensorSignature): string {
  return `${tensor.type ?? tensor.declared} ${describeDims(tensor.dims)}`;
}

function nearest(name: string, columns: ReadonlyMap<string, string>): string {
  const same = [...columns.keys()].find((c) => c.toLowerCase() === name.toLowerCase());
  return same === undefined ? '' : ` (there is ${JSON.stringify(same)}: names are compared exactly)`;
}

function mismatchError(
  mismatches: readonly Mismatch[],
  signature: Signature,
  columns: ReadonlyMap<string, string>,
  where: string,
): PrescoreError {
  const lines = mismatches.map((m) => `  ${m.tensor}: model wants ${m.wants}; job and data give ${m.has}; ${m.why}`);
  const inputs = signature.inputs.map((t) => `  ${t.name}: ${describeTensor(t)}`);
  const data = [...columns].slice(0, 60).map(([name, type]) => `  ${name}: ${type}`);
  const detail = ['mismatches', ...lines, 'model inputs', ...inputs, 'columns', ...data].join('\n');
  const first = mismatches[0]!;
  return new PrescoreError('SIGNATURE_MISMATCH', {
    what: `${mismatches.length} input${mismatches.length === 1 ? '' : 's'} of the model cannot be fed: ${first.tensor}: ${first.why}`,
    where,
    expected: first.wants,
    got: first.has,
    detail,
    data: { mismatches },
  });
}

function missingOf({ missingText }: TensorSignature): NullPolicy | null {
  return missingText === undefined ? null : { fill: missingText };
}
