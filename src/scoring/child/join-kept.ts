import { writeFile } from 'node:fs/promises';
import { type LocalSlice, positionBase } from '../../data/duckdb/local-slice.ts';
import { sliceRuns } from '../../data/duckdb/slice-runs.ts';
import { type JoinedPart, joinFiles } from '../../data/parquet/joined-file.ts';
import { PageBytes } from '../../data/parquet/page-bytes.ts';
import { rangesOf } from '../../data/parquet/sparse-file.ts';
import { namesInFile } from './localize.ts';
import { MOST_JOINED_BYTES } from './located-slice.ts';
import type { ReadableSlice } from './readable-chunk.ts';
import type { ScratchFiles } from './scratch-files.ts';

/**
 * The slices as a part is written from: small files of one schema, and tiny row groups, that are read without DuckDB, as one scratch file of
 * their kept columns. The slices themselves where that is not possible for all. Owns: scratch files go with whoever gave `newScratch`.
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
  const sources: PageBytes[] = [];
  try {
    const files = parts.flatMap(({ slice, footer, flat }, i): JoinedPart[] => {
      if (footer === null || flat === undefined || slice.schema == null) return [];
      const source = new PageBytes(flat.path, flat.whole);
      sources.push(source);
      return [{ footer, source, spans: slice.groups, base: positionBase(ordinal + i) }];
    });
    const isWhole = files.every(({ footer, spans }) =>
      spans.every(({ group, rowStart, rowEnd }) => rowEnd - rowStart === footer.groups.rows[group]),
    );
    const { slice } = parts[0]!;
    const names = namesInFile(kept, slice.fileNames);
    if (files.length < parts.length || !isWhole || keptBytes(files, names) > MOST_JOINED_BYTES) return null;
    const positionColumn = unusedName(names);
    const bytes = joinFiles(files, names, positionColumn);
    if (bytes === null || !scratch.hasRoom(bytes.length)) return null;
    const path = newScratch(bytes.length);
    await writeFile(path, bytes, { flag: 'wx' });
    const rows = parts.reduce((sum, part) => sum + part.slice.rowEnd - part.slice.rowStart, 0);
    return { ...slice, path, rowStart: 0, rowEnd: rows, fileRows: rows, groups: [], schema: null, positionColumn };
  } finally {
    for (const source of sources) source.close();
  }
}

function keptBytes(files: readonly JoinedPart[], names: ReadonlySet<string>): number {
  let bytes = 0;
  for (const { footer, spans } of files) {
    for (const { length } of rangesOf(footer, names, spans)) bytes += length;
  }
  return bytes;
}

function unusedName(names: ReadonlySet<string>): string {
  const taken = new Set([...names].map((name) => name.toLowerCase()));
  let name = 'position';
  while (taken.has(name)) name += '_';
  return name;
}
