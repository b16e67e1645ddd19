import { readOutput, readParquet } from '../test/harness/read-parquet.ts';

/** Rows or keys of the large request. */
export const MANY = 256;
const BODIES = 2_000;

/** Bodies of requests, as JSON: of one key or row, of MANY, and of `openRows` for the open loop. */
export interface Bodies {
  readonly one: readonly string[];
  readonly many: readonly string[];
  readonly paced: readonly string[];
}

/** Asks for the keys of an output. */
export async function lookupBodies(output: string, openRows: number): Promise<Bodies> {
  const keys = (await readOutput(output)).map((row) => String(row['flight_id']));
  // A fixed order that jumps about, so that neighbours of a page are not asked one after the other.
  const at = (i: number): string => keys[(i * 7919) % keys.length]!;
  const groups = (size: number): string[] =>
    Array.from({ length: 200 }, (_, k) =>
      JSON.stringify({ keys: Array.from({ length: size }, (_, i) => at(k * size + i)) }),
    );
  const one = Array.from({ length: BODIES }, (_, i) => JSON.stringify({ key: at(i) }));
  return { one, many: groups(MANY), paced: groups(openRows) };
}

/** Asks for live scores of rows of an input file. */
export async function liveBodies(input: string, columns: readonly string[], openRows: number): Promise<Bodies> {
  const rows = (await readParquet(input)).slice(0, 20_000).map((row, i) => ({
    key: `live-${i}`,
    features: Object.fromEntries(columns.map((c) => [c, row[c] ?? null])),
  }));
  const groups = (size: number): string[] =>
    Array.from({ length: 60 }, (_, k) =>
      JSON.stringify({ rows: Array.from({ length: size }, (_, i) => rows[(k * size + i) % rows.length]!) }),
    );
  const one = rows.slice(0, BODIES).map((row) => JSON.stringify(row));
  return { one, many: groups(MANY), paced: groups(openRows) };
}
