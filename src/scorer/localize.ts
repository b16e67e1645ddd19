import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { duckNames } from '../columnar/describe-file.ts';
import { parquetFrame, wantedRanges, writeSparse } from '../columnar/sparse-file.ts';
import type { LocalSlice } from '../columnar/write-part.ts';
import type { Location, StoreResolver } from '../contract/object-store.ts';
import type { PlannedFile, Slice } from '../contract/plan.ts';
import { PrescoreError } from '../errors/prescore-error.ts';
import { localizeArrow } from './localize-arrow.ts';
import type { LocalizeOptions, Located } from './located-slice.ts';
import { pinnedSource } from './pinned-source.ts';

/** Slices whose bytes are on this machine. `release` removes their scratch files. */
export interface LocalChunk {
  readonly slices: readonly LocalSlice[];
  readonly bytesRead: number;
  readonly fetchMs: number;
  release(): Promise<void>;
  /** Errors: INPUT_CHANGED, INPUT_GONE when a file that is read in place is not the pinned one any more. */
  checkUnchanged(): Promise<void>;
}

/**
 * Brings the rows of a chunk within reach of DuckDB. Parquet on `file://` is read in place; from S3 only the footer and the
 * wanted column chunks are fetched into a sparse scratch file, pinned by ETag.
 *
 * Errors: INPUT_CHANGED, INPUT_GONE, INPUT_TRUNCATED, those of the store and of the footer.
 */
export async function localizeChunk(
  files: readonly PlannedFile[],
  slices: readonly Slice[],
  options: LocalizeOptions,
): Promise<LocalChunk> {
  const started = performance.now();
  const scratch: string[] = [];
  const inPlace = new Map<string, string>();
  let bytesRead = 0;
  const local: LocalSlice[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(scratch.map((path) => rm(path, { force: true })));
  };
  try {
    for (const slice of slices) {
      const file = files[slice.file]!;
      const place = options.stores.at(file.uri);
      const path = place.store.localPath(place.key);
      const newScratch = (): string => {
        const made = join(options.scratchDir, `in-${randomBytes(8).toString('hex')}`);
        scratch.push(made);
        return made;
      };
      const located = await (file.format === 'parquet' ? localizeParquet : localizeArrow)(
        file,
        slice,
        place,
        path,
        newScratch,
        options,
      );
      bytesRead += located.bytesRead;
      if (path !== null) inPlace.set(file.uri, file.etag);
      local.push(located.slice);
    }
  } catch (error) {
    await release();
    throw error;
  }
  return {
    slices: local,
    bytesRead,
    fetchMs: performance.now() - started,
    release,
    checkUnchanged: () => checkEtags(options.stores, inPlace),
  };
}

async function localizeParquet(
  file: PlannedFile,
  slice: Slice,
  place: Location,
  path: string | null,
  newScratch: () => string,
  options: LocalizeOptions,
): Promise<Located> {
  const { rowStart } = slice;
  const rowEnd = slice.rowEnd ?? 0;
  const target = path ?? newScratch();
  let bytesRead = 0;
  const source = pinnedSource(place, file.size, file.etag);
  const footer = await options.footers.read(source, file.uri, file.etag);
  if (path === null) {
    const ranges = wantedRanges(footer, options.columns, rowStart, rowEnd);
    bytesRead = await writeSparse(source, target, parquetFrame(footer, file.size), ranges);
  }
  const names = await duckNames(
    options.duck,
    target,
    footer.columns.map((c) => c.name),
  );
  const { uri, pathValues } = file;
  return { slice: { path: target, uri, rowStart, rowEnd, rowBase: 0, names, pathValues }, bytesRead };
}

async function checkEtags(stores: StoreResolver, pinned: ReadonlyMap<string, string>): Promise<void> {
  for (const [uri, etag] of pinned) {
    const { store, key } = stores.at(uri);
    const now = await store.head(key);
    if (now === null)
      throw new PrescoreError('INPUT_GONE', { what: 'an input file was deleted while it was read', where: uri });
    if (now.etag !== etag) {
      throw new PrescoreError('INPUT_CHANGED', {
        what: 'an input file was replaced while it was read',
        where: uri,
        expected: etag,
        got: now.etag,
      });
    }
  }
}
