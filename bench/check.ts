import { join } from 'node:path';
import type { ContenderName } from './contenders.ts';
import type { PreparedCase } from './data.ts';
import { runPython } from './python-env.ts';

/** Other batch sizes and thread counts change the last bits of tree sums; more than this is another answer. Of 500 trees more bits are the last. */
export function toleranceOf(caseName: string): number {
  return caseName === 'forest' ? 2e-5 : 1e-6;
}

/** What the comparison of an output with the reference found. */
export interface Checked {
  readonly rows: number;
  /** Rows whose predictions are not the same bits; null for the limit, which writes nothing. */
  readonly differing: number | null;
  readonly largest: number | null;
}

/** Compares every row of a contender's output with the reference, by id; an error when it is another answer. */
export async function checkOutput(
  name: ContenderName,
  prepared: PreparedCase,
  folder: string,
  log: string,
): Promise<Checked> {
  const { file, path, reference } = prepared;
  if (name === 'limit') {
    const { rows, mean } = JSON.parse(log.trim().split('\n').at(-1)!) as { rows: number; mean: number | null };
    if (rows !== file.rows || mean === null) throw new Error(`limit: scored ${rows} rows, mean ${mean}`);
    return { rows, differing: null, largest: null };
  }
  const printed = await runPython('base', 'check_output.py', [path, reference, join(folder, 'output')]);
  const found = JSON.parse(printed) as {
    rows: number;
    columns: string[];
    sameIds: boolean;
    differing?: number;
    largest?: number;
    wrongLabels?: number;
  };
  const wanted = [file.id, ...file.outputs.map((o) => o.column), 'scored_at', 'model_name', 'model_version', 'run_id'];
  const missing = wanted.filter((column) => !found.columns.includes(column));
  const isSame = found.sameIds && found.wrongLabels === 0 && (found.largest ?? Infinity) <= toleranceOf(file.name);
  if (found.rows !== file.rows || missing.length > 0 || !isSame) {
    throw new Error(`${name}: another answer than the reference: ${JSON.stringify({ ...found, missing })}`);
  }
  return { rows: found.rows, differing: found.differing ?? null, largest: found.largest ?? null };
}
