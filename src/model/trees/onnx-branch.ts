import { RULE } from './ensemble.ts';
import type { NodeRows } from './ensemble-builder.ts';

const MODES = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'];

/** Number of a branch's mode by its name; -1 where there is none. */
export function modeOf(name: string): number {
  return MODES.indexOf(name);
}

/** Rows of nodes while they are filled. */
export interface OpenRows extends NodeRows {
  readonly roots: number[];
}

/** So many rows with nothing in them yet. */
export function emptyRows(count: number, feature: Float64Array, cover: Float64Array | null): OpenRows {
  return {
    isLeaf: new Uint8Array(count),
    feature,
    threshold: new Float64Array(count),
    rule: new Uint8Array(count),
    left: new Int32Array(count),
    right: new Int32Array(count),
    cover,
    roots: [],
  };
}

/** A branch as the file has it; children as rows. */
export interface Branch {
  readonly mode: number;
  readonly value: number;
  readonly isMissingTrue: boolean;
  readonly whenTrue: number;
  readonly whenFalse: number;
}

/** Turns a branch into `value <= threshold goes left`; what is no such branch, in words. */
export function setBranch(rows: OpenRows, row: number, branch: Branch): string | null {
  const { mode, value, isMissingTrue, whenTrue, whenFalse } = branch;
  if (mode < 0 || mode > 3) return `a node asks ${MODES[mode] ?? 'for a set'}`;
  const isTrueLeft = mode < 2;
  const isOpen = mode === 1 || mode === 2;
  const threshold = isOpen ? floatBelow(value) : value;
  if (Number.isNaN(threshold)) return 'a threshold is NaN';
  rows.threshold[row] = threshold;
  rows.rule[row] = isMissingTrue === isTrueLeft ? RULE.nanLeft : RULE.nanRight;
  rows.left[row] = isTrueLeft ? whenTrue : whenFalse;
  rows.right[row] = isTrueLeft ? whenFalse : whenTrue;
  return null;
}

const word = new DataView(new ArrayBuffer(4));

/** The largest float32 below a float32; NaN where there is none. */
export function floatBelow(value: number): number {
  if (value === Number.NEGATIVE_INFINITY) return Number.NaN;
  if (value === 0) return -(2 ** -149);
  word.setFloat32(0, value);
  word.setInt32(0, word.getInt32(0) + (value > 0 ? -1 : 1));
  return word.getFloat32(0);
}
