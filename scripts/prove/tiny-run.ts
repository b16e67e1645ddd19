import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { modelFolder } from '../../test/harness/model-files.ts';

/** Input of the proofs of shards and backfills: files of some hundred rows, so that starts and commits are most of the time. */
export async function writeInputs(folder: string, paths: readonly string[], rows: number): Promise<void> {
  const scratchDir = join(folder, 'scratch');
  mkdirSync(scratchDir, { recursive: true });
  const duck = await Duck.open({ memoryBytes: 128 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
  for (const [i, path] of paths.entries()) {
    mkdirSync(join(path, '..'), { recursive: true });
    const columns = `r::bigint as id, (r + ${i})::float as c0, (r % 7)::float as c1, (r % 3)::float as c2`;
    await duck.run(`copy (select ${columns} from range(${rows - i}) t(r)) to ${quoteText(path)} (format parquet)`);
  }
  duck.close();
}

/** Writes a job over such files into an empty folder; its output is `<folder>/out`. */
export async function writeTinyJob(folder: string, changes: Readonly<Record<string, unknown>>): Promise<string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const model = join(await modelFolder(), 'sum.onnx');
  const job = {
    prescore: 1,
    name: 'tiny',
    model: { uri: model, sha256: createHash('sha256').update(readFileSync(model)).digest('hex') },
    features: { x: ['c0', 'c1', 'c2'] },
    outputs: { y: 'y' },
    id: ['id'],
    ...changes,
  };
  const path = join(folder, 'job.yaml');
  writeFileSync(path, JSON.stringify(job));
  return path;
}

/** Files below a folder whose path matches, with the digest of their bytes. */
export function digestsOf(folder: string, pattern: RegExp): Map<string, string> {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return new Map();
  }
  const found = names.filter((name) => pattern.test(name)).sort();
  return new Map(
    found.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );
}

/** What differs between what should be there and what is, as short sentences. */
export function differences(
  what: string,
  expected: ReadonlyMap<string, string>,
  got: ReadonlyMap<string, string>,
): string[] {
  const faults: string[] = [];
  for (const [name, digest] of expected)
    if (got.get(name) !== digest) faults.push(`${what} ${name} ${got.has(name) ? 'has other bytes' : 'is missing'}`);
  for (const name of got.keys()) if (!expected.has(name)) faults.push(`${what} ${name} is too much`);
  return faults;
}

export const PARTS = /^[^_.].*\.parquet$|^part-.*\.parquet$/;
export const CHUNKS = /chunks\/\d+\.\d+\.json$/;
export const MANIFESTS = /manifests\/[^/]+\/\d+\.json$/;
