import { randomBytes } from 'node:crypto';
import type { Duck } from '../../data/duckdb/duckdb.ts';

/**
 * Does work with a name for a table of predictions that no other walk has. When the work fails the table is dropped, as the walk
 * may be repeated on the same connection; else it ends with the connection.
 */
export async function withPredictionTable<T>(
  lane: Duck,
  label: string,
  work: (table: string) => Promise<T>,
): Promise<T> {
  const table = newTableName(label);
  try {
    return await work(table);
  } catch (error) {
    await lane.run(`drop table if exists ${table}`);
    throw error;
  }
}

/** A name that no other walk's table has. */
export function newTableName(label: string): string {
  return `${label}_${randomBytes(4).toString('hex')}`;
}
