import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as arrow from 'apache-arrow';

export interface ArrowTableOptions {
  readonly form?: 'file' | 'stream';
  readonly firstId?: number;
  readonly nullAt?: number;
}

/**
 * Writes an Arrow file or stream with columns id, c0, c1, c2, as `writeTables` does for Parquet: one record batch for each
 * of the numbers of rows. `firstId` is the id of its first row; c2 is null where the id is `nullAt`.
 */
export function writeArrow(
  path: string,
  batches: readonly number[],
  { form = 'file', firstId = 0, nullAt }: ArrowTableOptions = {},
): void {
  let next = firstId;
  const tables = batches.map((rows) => {
    const ids = Array.from({ length: rows }, (_, i) => next + i);
    next += rows;
    const floats = (of: (id: number) => number | null): arrow.Vector =>
      arrow.vectorFromArray(ids.map(of), new arrow.Float32());
    return new arrow.Table({
      id: arrow.vectorFromArray(
        ids.map((id) => BigInt(id)),
        new arrow.Int64(),
      ),
      c0: floats((id) => id),
      c1: floats((id) => id % 7),
      c2: floats((id) => (id === nullAt ? null : id % 3)),
    });
  });
  const [first, ...others] = tables;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, arrow.tableToIPC(first!.concat(...others), form));
}
