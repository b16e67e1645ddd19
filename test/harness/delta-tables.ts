import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ObjectStore } from '../../src/base/contract/object-store.ts';
import { runPython } from './python.ts';

const PINS = 'delta-requirements.txt';

/** Writes the tables of test/python/delta_tables.py by delta-rs. Table -> its newest version. */
export async function makeDeltaTables(folder: string): Promise<Readonly<Record<string, number>>> {
  return JSON.parse(await runPython('delta_tables.py', ['make', folder], PINS)) as Record<string, number>;
}

/** Writes the tables of test/python/delta_by_hand.py, with their expected rows beside them. */
export async function makeDeltaByHand(folder: string): Promise<void> {
  await runPython('delta_tables.py', ['byhand', folder], PINS);
}

/** One more version of a table by delta-rs. */
export async function appendToDelta(table: string, rows: number): Promise<void> {
  await runPython('delta_tables.py', ['append', table, String(rows)], PINS);
}

/** An output, and the version of a table that it must have the rows of. */
export interface DeltaSpec {
  readonly table: string;
  readonly version: number;
  readonly output: string;
  /** Kept beside id and y. */
  readonly columns: readonly string[];
  /** Only the rows of this value, as a text. */
  readonly where?: readonly [column: string, text: string];
}

export interface DeltaCompared {
  readonly rows: number;
  readonly expected: number;
  readonly isSame: boolean;
  readonly missing: readonly string[];
  readonly extra: readonly string[];
}

/** Compares outputs of sum.onnx with what delta-rs reads of the tables. */
export async function compareDelta(folder: string, specs: readonly DeltaSpec[]): Promise<readonly DeltaCompared[]> {
  const path = join(folder, 'compare-delta.json');
  writeFileSync(path, JSON.stringify(specs));
  return JSON.parse(await runPython('delta_tables.py', ['compare', path], PINS)) as DeltaCompared[];
}

/** Puts a folder into a store, file by file. */
export async function upload(folder: string, store: ObjectStore, prefix: string): Promise<void> {
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name);
    if (statSync(path).isFile()) await store.put(`${prefix}${relative(folder, path)}`, readFileSync(path));
  }
}
