/** Bytes of a row group, as values in memory. DuckDB holds one whole before it writes it. */
const GROUP_BYTES = 8 * 1024 * 1024;
/** About DuckDB's own default. */
const MOST_ROWS = 131_072;

/** Rows of a group, if all are as wide as these. */
export function rowsOfGroup(rows: number, bytes: number): number {
  return rows === 0 ? MOST_ROWS : Math.min(MOST_ROWS, powerBelow(Math.max(1, (GROUP_BYTES / bytes) * rows)));
}

function powerBelow(value: number): number {
  return 2 ** Math.floor(Math.log2(value));
}

/**
 * Finds how many rows a row group may have, a power of two, so that none has much more than 8 MiB. It follows from the rows
 * alone, so that a file is written alike on every machine.
 */
export class RowGroupSize {
  rows: number;
  private openRows = 0;
  private openBytes = 0;

  /** `rows`: at first. */
  constructor(rows = MOST_ROWS) {
    this.rows = rows;
  }

  /** Takes in a batch of rows. */
  add(rows: number, bytes: number): void {
    if (this.openRows > 0 && this.openBytes + bytes > GROUP_BYTES) {
      this.rows = Math.min(this.rows, powerBelow(this.openRows));
      this.openRows = 0;
      this.openBytes = 0;
    }
    this.openRows += rows;
    this.openBytes += bytes;
    if (this.openRows < this.rows) return;
    this.openRows = 0;
    this.openBytes = 0;
  }
}
