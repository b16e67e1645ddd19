import type { TensorSignature } from '../../base/contract/signature.ts';
import type { DraftColumn } from './column-roles.ts';

/** Values a row that a tensor takes; null when its axes leave it open. */
export function widthOf(tensor: TensorSignature): number | null {
  const tail = tensor.dims.slice(1);
  return tail.some((d) => d === null) ? null : tail.reduce<number>((product, d) => product * (d ?? 1), 1);
}

/** Whether the tensor takes one value a row. */
export function isSingle(tensor: TensorSignature): boolean {
  return tensor.dims.length > 0 && widthOf(tensor) === 1;
}

/** Whether a column that has one value a row can be a value of the tensor. */
export function fitsAsValue(tensor: TensorSignature, { kind }: DraftColumn): boolean {
  return kind !== null && !kind.list && (kind.carrier === 'str') === (tensor.type === 'string');
}

/** Whether a list column can fill the tensor: one of a fixed length must have the tensor's. */
export function fitsAsList(tensor: TensorSignature, { kind, type }: DraftColumn): boolean {
  if (kind === null || !kind.list || tensor.dims.length < 2 || tensor.type === 'string') return false;
  const length = /\[(\d+)\]$/.exec(type)?.[1];
  return length === undefined || widthOf(tensor) === Number(length);
}

/** Whether a column fits in either way. */
export function fits(tensor: TensorSignature, column: DraftColumn): boolean {
  return (fitsAsValue(tensor, column) && isSingle(tensor)) || fitsAsList(tensor, column);
}

/** A plain number or text, which can be a feature without anybody saying so; a date could, but hardly is. */
export function isCandidate(tensor: TensorSignature, column: DraftColumn): boolean {
  return !column.isOut && fitsAsValue(tensor, column) && column.kind?.unit === null;
}
