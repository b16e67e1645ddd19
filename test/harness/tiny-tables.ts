import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { modelFolder, pinnedModel } from './model-files.ts';
import { writeJob } from './temp-job.ts';

/** Writes Parquet files with columns id, c0, c1, c2: path -> number of rows. Values follow from the row and `salt` alone. */
export async function writeTables(tables: Readonly<Record<string, number>>, salt = 0): Promise<void> {
  const scratchDir = join(tmpdir(), `prescore-tables-${randomBytes(6).toString('hex')}`);
  mkdirSync(scratchDir, { recursive: true });
  const duck = await Duck.open({ memoryBytes: 128 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
  try {
    for (const [path, rows] of Object.entries(tables)) {
      mkdirSync(dirname(path), { recursive: true });
      const columns = `i::bigint as id, i::float as c0, (i % 7 + ${salt})::float as c1, (i % 3)::float as c2`;
      const to = `${quoteText(path)} (format parquet)`;
      await duck.run(`copy (select ${columns} from range(${rows}) t(i)) to ${to}`);
    }
  } finally {
    duck.close();
    rmSync(scratchDir, { recursive: true, force: true });
  }
}

/** A job file over such tables: y is the sum of c0, c1 and c2. */
export async function tinyJob(
  folder: string,
  input: string | readonly string[],
  changes: Readonly<Record<string, unknown>> = {},
  name?: string,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const job = {
    model: pinnedModel(join(await modelFolder(), 'sum.onnx')),
    input: { uri: input },
    features: { x: ['c0', 'c1', 'c2'] },
    outputs: { y: 'y' },
    id: ['id'],
    output: { uri: join(folder, 'out') },
    execution: { scorers: 1 },
    ...changes,
  };
  return writeJob(folder, job, name);
}
