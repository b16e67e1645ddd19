import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { fixtures } from './temp-job.ts';

export type TextForm = 'csv' | 'csv.gz' | 'csv.zst' | 'jsonl' | 'jsonl.gz';

const OPTIONS: Readonly<Record<TextForm, string>> = {
  csv: 'format csv, header',
  'csv.gz': 'format csv, header, compression gzip',
  'csv.zst': 'format csv, header, compression zstd, delimiter "\t"',
  jsonl: 'format json',
  'jsonl.gz': 'format json, compression gzip',
};

/** A month of flights as DuckDB writes it as text: `<folder>/<month>.<form>`. Floats are written as floats. */
export async function writeTextFlights(folder: string, forms: readonly TextForm[], months = ['01']): Promise<void> {
  const scratchDir = join(folder, 'duck');
  mkdirSync(scratchDir, { recursive: true });
  const duck = await Duck.open({ memoryBytes: 256 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
  for (const month of months) {
    const from = quoteText(join(fixtures, `flights/month=${month}/part-0.parquet`));
    for (const form of forms) {
      const target = quoteText(join(folder, `${month}.${form}`));
      await duck.run(
        `copy (select * from read_parquet(${from}, hive_partitioning = false)) to ${target} (${OPTIONS[form]})`,
      );
    }
  }
  duck.close();
  rmSync(scratchDir, { recursive: true, force: true });
}
