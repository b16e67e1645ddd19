import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';

/** Writes rows ([N, names], row-major, NaN for nulls) as a Parquet file of doubles, with a column `id` of their numbers. */
export async function writeRowTable(path: string, names: readonly string[], rows: ArrayLike<number>): Promise<void> {
  const scratchDir = join(tmpdir(), `prescore-rows-${randomBytes(6).toString('hex')}`);
  mkdirSync(scratchDir, { recursive: true });
  const duck = await Duck.open({ memoryBytes: 128 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
  try {
    const width = names.length;
    const text = (value: number): string =>
      Number.isNaN(value) ? '' : Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf';
    const lines = Array.from({ length: rows.length / width }, (_, row) =>
      [row, ...names.map((_name, i) => text(rows[row * width + i]!))].join(','),
    );
    const csv = join(scratchDir, 'rows.csv');
    writeFileSync(csv, `${lines.join('\n')}\n`);
    const columns = ['id: bigint', ...names.map((name) => `${name}: double`)];
    const types = columns.map((one) => `'${one.replace(': ', "': '")}'`).join(', ');
    const source = `read_csv(${quoteText(csv)}, header = false, columns = {${types}})`;
    await duck.run(`copy (select * from ${source}) to ${quoteText(path)} (format parquet)`);
  } finally {
    duck.close();
    rmSync(scratchDir, { recursive: true, force: true });
  }
}
