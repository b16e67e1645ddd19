import type { BoundLength, BoundMask, BoundSequence } from '../../base/contract/binding.ts';
import type { FeatureSpec, NullPolicy } from '../../base/contract/job.ts';
import type { Dim, Signature, TensorSignature, TensorType } from '../../base/contract/signature.ts';
import { sourceKind } from '../../data/duckdb/source-kind.ts';
import { fixAxesLine } from './model-axes.ts';
import { valueProblem } from './value-fits.ts';

/** Steps of a row at most, where the job says nothing: more than encoders take, and a batch of one such row is small. */
export const DEFAULT_MAX_LENGTH = 4096;

type Problem = { readonly problem: string };
type FeatureOf = (tensor: string) => FeatureSpec | undefined;

/** The lengths of a row: one for each open axis that lists feed, shared by inputs whose axes have the same name. */
export interface RowLengths {
  readonly lengths: readonly BoundLength[];
  /** Input -> its place in `lengths`. */
  readonly of: ReadonlyMap<string, number>;
  /** Name of an axis -> its place. */
  readonly byAxis: ReadonlyMap<string, number>;
  /** Input -> why its lists cannot share the length of another. */
  readonly problems: ReadonlyMap<string, string>;
}

/** Which inputs are fed by lists of open length, and which of them are equally long. Errors: none. */
export function rowLengths(
  signature: Signature,
  featureOf: FeatureOf,
  columns: ReadonlyMap<string, string>,
): RowLengths {
  const found: { maxLength: number | null; isPadded: boolean; first: string }[] = [];
  const of = new Map<string, number>();
  const byAxis = new Map<string, number>();
  const problems = new Map<string, string>();
  for (const tensor of signature.inputs) {
    const feature = featureOf(tensor.name);
    if (feature?.kind !== 'columns' || !isSequence(tensor, feature, columns)) continue;
    const axis = axisOf(tensor);
    const known = axis === null ? undefined : byAxis.get(axis);
    const isPadded = feature.pad !== undefined;
    const { maxLength = null } = feature;
    if (known === undefined) {
      of.set(tensor.name, found.push({ maxLength, isPadded, first: tensor.name }) - 1);
      if (axis !== null) byAxis.set(axis, found.length - 1);
      continue;
    }
    const shared = found[known]!;
    of.set(tensor.name, known);
    if (shared.isPadded !== isPadded)
      problems.set(tensor.name, `${shared.first} has the same length (axis ${axis}): give pad: to both or to neither`);
    if (maxLength !== null) shared.maxLength = Math.min(shared.maxLength ?? maxLength, maxLength);
  }
  const lengths = found.map(({ maxLength, isPadded }) => ({ maxLength: maxLength ?? DEFAULT_MAX_LENGTH, isPadded }));
  return { lengths, of, byAxis, problems };
}

/** Whether one list column feeds an input whose length the model leaves open. */
export function isSequence(
  { dims, type }: TensorSignature,
  { columns: [name, second] }: FeatureSpec & { kind: 'columns' },
  columns: ReadonlyMap<string, string>,
): boolean {
  const isOpen = dims.slice(1).some((d) => d === null);
  if (!isOpen || name === undefined || second !== undefined || type === 'string') return false;
  return sourceKind(columns.get(name) ?? '')?.list === true;
}

/** Binds a list column to [N, T, …]. Errors: none; the problem is said. */
export function bindSequence(
  tensor: TensorSignature,
  type: TensorType,
  { columns: [column = ''], pad }: FeatureSpec & { kind: 'columns' },
  nulls: NullPolicy,
  { of, problems }: RowLengths,
): BoundSequence | Problem {
  const tail = tensor.dims.slice(1);
  const open = tail.indexOf(null);
  if (tail.includes(null, open + 1))
    return {
      problem: `the model leaves more than one axis behind the batch open; give them the lengths of your rows: ${fixAxesLine(tensor)}`,
    };
  if (tail.slice(0, open).some((d) => d !== 1))
    return {
      problem: `lists can be of any length only where the first axis behind the batch is the open one; else give it a length: ${fixAxesLine(tensor)}`,
    };
  const clash = problems.get(tensor.name);
  if (clash !== undefined) return { problem: clash };
  if (typeof pad === 'object') return { problem: 'pad is one value' };
  const wrong = pad === undefined ? null : valueProblem(type, pad);
  if (wrong !== null) return { problem: `pad: ${wrong}` };
  const step = tail.slice(open).reduce<number>((all, d) => all * (d ?? 1), 1);
  const value = typeof pad === 'string' ? 0 : (pad ?? 0);
  return {
    kind: 'sequence',
    tensor: tensor.name,
    type,
    column,
    length: of.get(tensor.name)!,
    step,
    tail,
    nulls,
    pad: value,
  };
}

/** Binds a mask to the lengths of another input. Errors: none; the problem is said. */
export function bindMask(
  tensor: TensorSignature,
  type: TensorType,
  source: string,
  { of }: RowLengths,
): BoundMask | Problem {
  const length = of.get(source);
  if (length === undefined)
    return { problem: `maskOf: no list column of open length feeds an input named ${JSON.stringify(source)}` };
  const tail = tensor.dims.slice(1);
  const isFlat = tail.filter((d) => d === null).length === 1 && tail.every((d) => d === null || d === 1);
  if (!isFlat || type === 'string') return { problem: 'a mask is [N, T] of numbers, with T open' };
  return { kind: 'mask', tensor: tensor.name, type, length, tail };
}

/** The length that the open axis of a constant has: that of its name, or the only one. Null when there is none. */
export function lengthOfConstant(tensor: TensorSignature, { lengths, byAxis }: RowLengths): number | null {
  const tail = tensor.dims.slice(1);
  if (tail.filter((d) => d === null).length !== 1) return null;
  const named = byAxis.get(axisOf(tensor) ?? '');
  return named ?? (lengths.length === 1 ? 0 : null);
}

/** `tail` with T in place of the open axis. */
export function tailOf(tail: readonly Dim[], length: number): number[] {
  return tail.map((d) => d ?? length);
}

function axisOf({ dims, axes }: TensorSignature): string | null {
  const open = dims.indexOf(null, 1);
  return open < 0 ? null : (axes?.[open] ?? null);
}
