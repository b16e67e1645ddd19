import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runPython } from './python.ts';

/** One output folder and the inputs that it must hold the values of; see test/python/compare_parquet.py. */
export interface CompareSpec {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Output column -> input column. */
  readonly columns: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly only?: readonly string[];
  /** Output column -> the canonical text that every row has. */
  readonly constants?: Readonly<Record<string, string>>;
}

export interface Compared {
  readonly rows: number;
  /** Types in pyarrow's words, and where the output differs from the input: row, expected, got, reader. */
  readonly columns: Readonly<
    Record<string, { readonly source: string; readonly target: string; readonly differences: readonly unknown[] }>
  >;
}

/** Compares outputs with their inputs value by value, as pyarrow and DuckDB read them. `folder`: for the list of them. */
export async function compareParquet(
  folder: string,
  specs: readonly CompareSpec[],
): Promise<Readonly<Record<string, Compared>>> {
  const path = join(folder, 'compare.json');
  writeFileSync(path, JSON.stringify(specs));
  return JSON.parse(await runPython('compare_parquet.py', [path])) as Readonly<Record<string, Compared>>;
}
