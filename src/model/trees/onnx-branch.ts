import { RULE } from './ensemble.ts';

const MODES = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'];

/** Number of a branch's mode by its name; -1 where there is none. */
export function modeOf(name: string): number {
  return MODES.indexOf(name);
}

export interface Branch {
  readonly threshold: number;
  readonly rule: number;
  readonly isTrueLeft: boolean;
}

/** A branch as `value <= threshold goes left`; what is no such branch, in words. */
export function branchOf(mode: number, value: number, isMissingTrue: boolean): Branch | string {
  if (mode < 0 || mode > 3) return `a node asks ${MODES[mode] ?? 'for a set'}`;
  const isTrueLeft = mode < 2;
  const rule = isMissingTrue === isTrueLeft ? RULE.nanLeft : RULE.nanRight;
  const isOpen = mode === 1 || mode === 2;
  const threshold = isOpen ? floatBelow(value) : value;
  if (Number.isNaN(threshold)) return 'a threshold is NaN';
  return { threshold, rule, isTrueLeft };
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
