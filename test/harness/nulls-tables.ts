import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';

/** Rows of each table of `writeNulls`. */
export const NULLS_ROWS = 100;

/**
 * Writes Parquet files of 100 rows with columns id, c0, c1, c2: path -> the rows in which c1 is null. Ids go on over the files in their
 * order; values follow from the id alone.
 */
export async function writeNulls(tables: Readonly<Record<string, readonly number[]>>): Promise<void> {
  const scratchDir = join(tmpdir(), `prescore-nulls-${randomBytes(6).toString('hex')}`);
  mkdirSync(scratchDir, { recursive: true });
  const duck = await Duck.open({ memoryBytes: 128 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
  try {
    for (const [n, [path, nulls]] of Object.entries(tables).entries()) {
      mkdirSync(dirname(path), { recursive: true });
      const isNull = nulls.length === 0 ? 'false' : `i in (${nulls.join(', ')})`;
      const id = `${n * NULLS_ROWS} + i`;
      const c1 = `case when ${isNull} then null else (${id}) % 7 end::float`;
      const query = `select (${id})::bigint as id, (${id})::float as c0, ${c1} as c1, ((${id}) % 3)::float as c2 from range(${NULLS_ROWS}) t(i)`;
      await duck.run(`copy (${query}) to ${quoteText(path)} (format parquet)`);
    }
  } finally {
    duck.close();
    rmSync(scratchDir, { recursive: true, force: true });
  }
}
