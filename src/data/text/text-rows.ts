import type { RejectReason, RejectRule } from '../../base/contract/binding.ts';
import type { ScanBatch } from '../arrow-values/row-scan.ts';
import { TEXT_LIMITS } from './text-limits.ts';

/** The records of one text file as rows, in their order. */
export interface TextRows {
  /** DuckDB's types: those of the wanted columns, then `ROW_TYPES`. */
  readonly types: readonly string[];
  /** What the numbers of faults mean, from 1; complete when `next` has given null. */
  readonly faults: readonly RejectReason[];
  /** Rows so far. */
  readonly rows: number;
  /** Bytes of a row in memory, by the last batch; 0 before the first. */
  readonly rowBytes: number;
  /** Up to 2,048 rows, which end those before; null after the last. */
  next(): ScanBatch | null;
}

export interface RowLimits {
  /** Rows at most, for a sample; infinite for all. */
  readonly rows: number;
  /** The file is the first part of a longer one: what stands at its end may be half a record. */
  readonly isCut: boolean;
}

/** Numbers from 1 for the reasons of one file, so that a row of the scratch file costs four bytes; 0 is no fault. */
export class RowFaults {
  readonly all: RejectReason[] = [];
  private readonly known = new Map<string, number>();

  /** Past 10,000 different messages, further ones share a number per rule and column. */
  numberOf(rule: RejectRule, column: string, message: string): number {
    const text = this.all.length < TEXT_LIMITS.reasons ? message : '(too many different messages)';
    const key = `${rule}\u0000${column}\u0000${text}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.all.push({ rule, column, message: text });
    this.known.set(key, this.all.length);
    return this.all.length;
  }
}
