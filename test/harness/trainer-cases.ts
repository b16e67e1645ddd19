import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** Rows as they come, what a trainer answers for them, and the file of its model; see test/python/trainers_models.py. */
export interface TrainerCase {
  readonly name: string;
  readonly model: Uint8Array;
  readonly file: string;
  /** Version of the trainer. */
  readonly version: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly arrays: Readonly<Record<string, CaseArray>>;
}

export interface CaseArray {
  /** Row-major. */
  readonly data: Float32Array | Float64Array;
  readonly shape: readonly number[];
}

interface CaseRecord {
  readonly file: string;
  readonly version: string;
  readonly arrays: Readonly<Record<string, { readonly type: string; readonly shape: readonly number[] }>>;
}

export const TRAINER_CASES = fileURLToPath(new URL('../../fixtures/trainers/', import.meta.url));

/** Every case of a folder whose name begins with `prefix`. */
export function trainerCases(prefix: string, folder = TRAINER_CASES): TrainerCase[] {
  const all = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as Record<string, CaseRecord>;
  return Object.entries(all)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, record]) => ({
      name,
      file: record.file,
      version: record.version,
      facts: { ...record },
      model: gunzipSync(readFileSync(join(folder, `${record.file}.gz`))),
      arrays: arraysOf(gunzipSync(readFileSync(join(folder, `${name}.bin.gz`))), record),
    }));
}

/** One case of the fixtures. */
export function trainerCase(name: string): TrainerCase {
  const found = trainerCases(name).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found;
}

function arraysOf(packed: Uint8Array, { arrays }: CaseRecord): Record<string, CaseArray> {
  // A copy: views of eight-byte numbers need an aligned start.
  const { buffer } = new Uint8Array(packed);
  let at = 0;
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { type, shape }]) => {
      const count = shape.reduce((product, one) => product * one, 1);
      const bytes = count * (type === 'float32' ? 4 : 8);
      const part = buffer.slice(at, at + bytes);
      at += bytes;
      return [name, { data: type === 'float32' ? new Float32Array(part) : new Float64Array(part), shape }];
    }),
  );
}

/** Places where two lists of numbers are not the same bits (any NaN is the same as any other); at most ten, for messages. */
export function otherBits(got: ArrayLike<number>, expected: ArrayLike<number>): string[] {
  const found: string[] = [];
  if (got.length !== expected.length) found.push(`${got.length} values, not ${expected.length}`);
  for (let i = 0; i < expected.length && found.length < 10; i++)
    if (!Object.is(got[i], expected[i])) found.push(`${i}: ${got[i]}, not ${expected[i]}`);
  return found;
}
