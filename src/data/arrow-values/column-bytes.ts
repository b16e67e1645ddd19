import type { DecodedColumn } from './arrow-column.ts';
import { isValid } from './arrow-validity.ts';

/** What DuckDB holds of a text or a list beside its bytes. */
const ENTRY_BYTES = 16;

/** Bytes that rows `first` to `first + count` of a column take in DuckDB's memory. */
export function columnBytes(column: DecodedColumn, first: number, count: number): number {
  if (count === 0 || column.kind === 'null') return count;
  if (column.kind === 'fixed') return column.width * count;
  let bytes = ENTRY_BYTES * count;
  if (column.kind === 'list') {
    const start = column.start(first);
    return bytes + columnBytes(column.child, start, column.start(first + count) - start);
  }
  for (let row = first; row < first + count; row++) {
    if (isValid(column.validity, row)) bytes += column.at(row).length;
  }
  return bytes;
}
