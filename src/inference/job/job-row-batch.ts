import type { FeatureForm } from '../../base/contract/job-scorer.ts';
import { sourceKind } from '../../data/duckdb/source-kind.ts';
import type { FeatureBatch, FeatureVector } from '../../scoring/tensor/feature-batch.ts';
import type { BadValue } from './job-carrier.ts';
import { valueReader } from './job-value.ts';
import { type RequestColumn, type RowVector, vectorOf } from './job-vectors.ts';

export type { RequestColumn } from './job-vectors.ts';

const LEAST_ROWS = 64;
const KEPT_ROWS = 4096;

/** How values of a column are read; null when its type cannot be a feature. */
export function requestColumn(name: string, type: string): RequestColumn | null {
  const kind = sourceKind(type);
  const element = kind?.list === true ? type.replace(/\[\d*\]$/, '') : type;
  const read = kind === null ? null : valueReader(element);
  return kind === null || read === null ? null : { name, type, kind, read };
}

/**
 * The rows of one request in the carriers of the decode query, which start as nulls. It is used again for request after request,
 * as packing never waits: 30 columns of their own for each one would cost as much as the packing. Owns: its arrays.
 */
export class RowBatch implements FeatureBatch {
  rows = 0;
  private capacity = 0;
  private vectors: readonly RowVector[] = [];
  private readonly columns: readonly RequestColumn[];

  constructor(columns: readonly RequestColumn[]) {
    this.columns = columns;
  }

  /** Empties it for so many rows. What was read from it before is no longer valid. */
  reset(rows: number): void {
    this.rows = rows;
    // A rare large request must not hold its memory for ever.
    const isTooLarge = this.capacity > KEPT_ROWS && this.capacity > rows * 8;
    if (this.capacity === 0 || rows > this.capacity || isTooLarge) {
      this.capacity = Math.max(rows, LEAST_ROWS);
      this.vectors = this.columns.map((column) => vectorOf(column, this.capacity));
    }
    for (const vector of this.vectors) vector.reset(rows);
  }

  /** Puts one value in its place; null and (but for texts) an empty text of a hash stay null. Gives what is wrong with it. */
  put(column: number, row: number, value: unknown, form: FeatureForm): BadValue | null {
    if (value === null || value === undefined) return null;
    return this.vectors[column]!.put(row, value, form);
  }

  column(index: number): FeatureVector {
    return this.vectors[index]!;
  }

  text(index: number, row: number): string | null {
    return this.vectors[index]!.text(row);
  }
}
