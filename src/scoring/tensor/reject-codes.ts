import type { RejectReason, RejectRule } from '../../base/contract/binding.ts';

const MAX_CODES = 60_000;

/**
 * Small numbers for reject reasons, so that a row costs two bytes while it is scored. Code 0 means "scored". Past
 * 60,000 different messages of one chunk, further ones share a code per rule and column.
 */
export class RejectCodes {
  readonly reasons: RejectReason[] = [];
  private readonly known = new Map<string, number>();

  codeOf(rule: RejectRule, column: string, message: string): number {
    const text = this.reasons.length < MAX_CODES ? message : '(too many different messages)';
    const key = `${rule}\u0000${column}\u0000${text}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.reasons.push({ rule, column, message: text });
    const code = this.reasons.length;
    this.known.set(key, code);
    return code;
  }

  reasonOf(code: number): RejectReason | undefined {
    return this.reasons[code - 1];
  }
}

/** Reject codes of the rows of one slab; the first reason of a row stays. */
export interface RowMarks {
  readonly codes: Uint16Array;
  /** Index in `codes` of the first row that is packed now. */
  first: number;
}

/** Marks a row unless it is marked already. */
export function mark(marks: RowMarks, row: number, code: number): void {
  const at = marks.first + row;
  if (marks.codes[at] === 0) marks.codes[at] = code;
}
