import { RULE } from './ensemble.ts';
import type { NodeRows } from './ensemble-builder.ts';
import { nextDownFloat } from './float-steps.ts';

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
  // Nothing is below negative infinity.
  if (Number.isNaN(value) || (isOpen && value === Number.NEGATIVE_INFINITY)) return 'a threshold is NaN';
  const threshold = isOpen ? nextDownFloat(value) : value;
  rows.threshold[row] = threshold;
  rows.rule[row] = isMissingTrue === isTrueLeft ? RULE.nanLeft : RULE.nanRight;
  rows.left[row] = isTrueLeft ? whenTrue : whenFalse;
  rows.right[row] = isTrueLeft ? whenFalse : whenTrue;
  return null;
}
