import type { RejectReason } from '../../base/contract/binding.ts';
import type { ScanBatch } from '../arrow-values/row-scan.ts';
import type { TextBatch } from './text-batch.ts';

/** The records of one text file as rows, in their order. */
export interface TextRows {
  /** DuckDB's types: those of the wanted columns, then `ROW_TYPES`. */
  readonly types: readonly string[];
  /** What the numbers of faults mean, from 1; complete when `next` has given null. */
  readonly faults: readonly RejectReason[];
  /** Rows so far. */
  readonly rows: number;
  /** The rows of the last `next`. */
  readonly batch: TextBatch;
  /** Up to 2,048 rows, which end those before; null after the last. */
  next(): ScanBatch | null;
}

export interface RowLimits {
  /** Rows at most, for a sample; infinite for all. */
  readonly rows: number;
  /** The file is the first part of a longer one: what stands at its end may be half a record. */
  readonly isCut: boolean;
}
