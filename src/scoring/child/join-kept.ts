import { writeFile } from 'node:fs/promises';
import { type LocalSlice, positionBase } from '../../data/duckdb/local-slice.ts';
import { sliceRuns } from '../../data/duckdb/slice-runs.ts';
import { type JoinedPart, joinFiles } from '../../data/parquet/joined-file.ts';
import { namesInFile } from './localize.ts';
import type { ReadableSlice } from './readable-chunk.ts';
import type { ScratchFiles } from './scratch-files.ts';

const MOST_BYTES = 16 * 1024 * 1024;

/**
 * The slices as a part is written from: neighbours that are small files of one schema, and read without DuckDB, as one scratch file of their
 * kept columns. The slices themselves where that is not possible for all. Owns: scratch files go with whoever gave `newScratch`.
 *
 * Errors: those of the file system.
 */
export async function joinKept(
  parts: readonly ReadableSlice[],
  kept: ReadonlySet<string>,
  scratch: Pick<ScratchFiles, 'hasRoom'>,
  newScratch: (bytes: number) => string,
): Promise<readonly LocalSlice[]> {
  const own = parts.map((part) => part.slice);
  const joined: LocalSlice[] = [];
  for (const run of sliceRuns(own)) {
    const some = parts.slice(run.ordinal, run.ordinal + run.slices.length);
    const one = await joinRun(some, run.ordinal, kept, scratch, newScratch);
    // All or none: where a row's position is not written down, it comes from the place of its slice among the others.
    if (one === null) return own;
    joined.push(one);
  }
  return joined;
}

async function joinRun(
  parts: readonly ReadableSlice[],
  ordinal: number,
  kept: ReadonlySet<string>,
  scratch: Pick<ScratchFiles, 'hasRoom'>,
  newScratch: (bytes: number) => string,
): Promise<LocalSlice | null> {
  const files = parts.flatMap(({ footer, flat }, i): JoinedPart[] =>
    footer === null || flat?.whole == null ? [] : [{ footer, whole: flat.whole, base: positionBase(ordinal + i) }],
  );
  if (files.length < parts.length || parts[0]!.slice.schema == null) return null;
  const { slice } = parts[0]!;
  const isWhole = parts.every((p) => p.slice.rowStart === 0 && p.slice.rowEnd === p.slice.fileRows);
  if (!isWhole) return null;
  const names = namesInFile(kept, slice.fileNames);
  const positionColumn = unusedName(names);
  const bytes = joinFiles(files, names, positionColumn);
  if (bytes === null || bytes.length > MOST_BYTES || !scratch.hasRoom(bytes.length)) return null;
  const path = newScratch(bytes.length);
  await writeFile(path, bytes, { flag: 'wx' });
  const rows = files.reduce((sum, { footer }) => sum + footer.rows, 0);
  return { ...slice, path, rowStart: 0, rowEnd: rows, fileRows: rows, groups: [], schema: null, positionColumn };
}

function unusedName(names: ReadonlySet<string>): string {
  const taken = new Set([...names].map((name) => name.toLowerCase()));
  let name = 'position';
  while (taken.has(name)) name += '_';
  return name;
}
