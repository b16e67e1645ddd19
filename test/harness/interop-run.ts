import { join } from 'node:path';
import { expect } from 'vitest';
import { type ColumnTexts, textsByHyparquet, textsByPyarrow } from './canonical-texts.ts';
import { prescore } from './cli.ts';
import { type Compared, type CompareSpec, compareParquet } from './compare-parquet.ts';
import { runPython } from './python.ts';
import { partsOf } from './read-parquet.ts';
import { sha256Of, writeJob } from './temp-job.ts';

/** The tables of test/python/interop_tables.py, and the model that turns x into every type. */
export interface InteropTables {
  readonly folder: string;
  readonly model: { readonly uri: string; readonly version: string; readonly sha256: string };
  /** Passthrough columns by folder. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
  input(name: string): string;
  /** What pyarrow reads of an input; read once. */
  texts(name: string): Promise<ColumnTexts>;
}

/** Makes them in a folder of the caller. */
export async function interopTables(folder: string): Promise<InteropTables> {
  const [printed] = await Promise.all([
    runPython('interop_tables.py', [join(folder, 'data')]),
    runPython('make_identity.py', [join(folder, 'models')]),
  ]);
  const uri = join(folder, 'models/casts.onnx');
  const known = new Map<string, Promise<ColumnTexts>>();
  const input = (name: string): string => join(folder, 'data', name);
  return {
    folder,
    model: { uri, version: '1', sha256: sha256Of(uri) },
    columns: JSON.parse(printed) as Record<string, string[]>,
    input,
    texts: (name) => {
      const texts = known.get(name) ?? textsByPyarrow(input(name)).then(([read]) => read);
      known.set(name, texts);
      return texts;
    },
  };
}

/** Output column -> input column, and columns with one value for all rows. */
export interface InteropExpectation {
  readonly columns: Readonly<Record<string, string>>;
  readonly constants?: (runId: string) => Readonly<Record<string, string>>;
  /** Further arguments of the command. */
  readonly args?: readonly string[];
}

/** An output, and what it must hold. */
export interface InteropOutput extends CompareSpec {
  /** Its table, as `texts` knows it. */
  readonly input: string;
}

/** Runs a job over one of the tables. */
export async function scoreTable(
  tables: InteropTables,
  name: string,
  input: string,
  job: Readonly<Record<string, unknown>>,
  { columns, constants: constantsOf, args = [] }: InteropExpectation,
): Promise<InteropOutput> {
  const output = join(tables.folder, 'out', name);
  const path = writeJob(
    tables.folder,
    {
      model: tables.model,
      input: { uri: tables.input(input) },
      features: { x: ['x'] },
      execution: { scorers: 1 },
      ...job,
      output: { uri: output, ...(job['output'] ?? {}) },
    },
    `${name}.yaml`,
  );
  const result = await prescore(['run', path, '--json', ...args]);
  expect([result.code, result.stderr]).toEqual([0, '']);
  const constants = constantsOf?.(String(result.events.at(-1)?.['runId'])) ?? {};
  return { name, input, inputs: [tables.input(input)], output, columns, constants };
}

/** The same, with `expectSame`. */
export async function expectSameValues(
  tables: InteropTables,
  name: string,
  input: string,
  job: Readonly<Record<string, unknown>>,
  expectation: InteropExpectation,
): Promise<Readonly<Record<string, string>>> {
  const scored = await scoreTable(tables, name, input, job, expectation);
  return expectSame(tables, scored, (await compareParquet(tables.folder, [scored]))[name]!);
}

/**
 * Expects that pyarrow, DuckDB and hyparquet read every value of an output as pyarrow reads the input; `compared` is what
 * `compareParquet` says of it. Gives pyarrow's words for the types of the output.
 */
export async function expectSame(
  tables: InteropTables,
  { input, output, columns, constants = {} }: InteropOutput,
  compared: Compared,
): Promise<Readonly<Record<string, string>>> {
  for (const [column, { differences }] of Object.entries(compared.columns)) expect(differences, column).toEqual([]);
  const expected = await tables.texts(input);
  const read = await textsByHyparquet(partsOf(output));
  expect([...read.keys()].sort()).toEqual([...Object.keys(columns), ...Object.keys(constants)].sort());
  for (const [column, source] of Object.entries(columns)) {
    expect(read.get(column), `${column} by hyparquet`).toEqual(expected.get(source));
  }
  for (const [column, text] of Object.entries(constants)) {
    expect(new Set(read.get(column)), `${column} by hyparquet`).toEqual(new Set([text]));
  }
  return Object.fromEntries(Object.entries(compared.columns).map(([column, { target }]) => [column, target]));
}
