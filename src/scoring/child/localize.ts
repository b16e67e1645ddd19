import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteRange, Location, StoreResolver } from '../../base/contract/object-store.ts';
import type { PlannedFile, Slice } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { isPathColumn, type LocalSlice } from '../../data/duckdb/local-slice.ts';
import { localSource } from '../../data/object-store/local-source.ts';
import { pinnedSource, wholeIfSmall } from '../../data/object-store/pinned-source.ts';
import { checkPages } from '../../data/parquet/check-pages.ts';
import { rowSpans } from '../../data/parquet/parquet-footer.ts';
import { parquetFrame, wantedRanges, writeSparse } from '../../data/parquet/sparse-file.ts';
import { thinTail } from '../../data/parquet/thin-footer.ts';
import type { FileTable } from './file-table.ts';
import type { LocalizeOptions, Located } from './located-slice.ts';

const FEW_GROUPS = 64;
const GROUP_NS = 80_000;
const BYTE_NS = 1;

/** Slices whose bytes are on this machine. `release` removes their scratch files. */
export interface LocalChunk {
  readonly located: readonly Located[];
  readonly slices: readonly LocalSlice[];
  readonly bytesRead: number;
  readonly fetchMs: number;
  /** Milliseconds in which other formats were rewritten to Parquet; no part of `fetchMs`. */
  readonly convertMs: number;
  /** A path for one more scratch file. */
  newScratch(): string;
  release(): Promise<void>;
  /** Errors: INPUT_CHANGED, INPUT_GONE when a file that is read in place is not the pinned one any more. */
  checkUnchanged(): Promise<void>;
}

/**
 * Brings the rows of a chunk within reach of DuckDB. Parquet on `file://` is read in place; from S3 only the footer and the
 * wanted column chunks are fetched into a sparse scratch file, pinned by ETag. Arrow and text are rewritten to Parquet.
 *
 * Errors: INPUT_CHANGED, INPUT_GONE, INPUT_TRUNCATED, those of the store and of the footer.
 */
export async function localizeChunk(
  files: FileTable,
  slices: readonly Slice[],
  options: LocalizeOptions,
): Promise<LocalChunk> {
  const started = performance.now();
  const scratch: string[] = [];
  const inPlace = new Map<string, string>();
  let bytesRead = 0;
  const local: Located[] = [];
  const newScratch = (): string => {
    const made = join(options.scratchDir, `in-${randomBytes(8).toString('hex')}`);
    scratch.push(made);
    return made;
  };
  const release = async (): Promise<void> => {
    await Promise.all(scratch.map((path) => rm(path, { force: true })));
  };
  try {
    for (const slice of slices) {
      const file = files.at(slice.file);
      const place = options.stores.at(file.uri);
      const path = place.store.localPath(place.key);
      if (path !== null) inPlace.set(file.uri, file.etag);
      const localize = await localizerOf(file);
      const located = await localize(file, slice, place, path, newScratch, options);
      bytesRead += located.bytesRead;
      local.push(located);
    }
    await checkEtags(options.stores, inPlace);
  } catch (error) {
    await release();
    // What a file that was deleted or replaced meanwhile does to a read says nothing; that it was, does.
    await checkEtags(options.stores, inPlace);
    throw error;
  }
  const convertMs = local.reduce((sum, l) => sum + l.convertMs, 0);
  return {
    located: local,
    slices: local.map((l) => l.slice),
    bytesRead,
    fetchMs: Math.max(0, performance.now() - started - convertMs),
    convertMs,
    newScratch,
    release,
    checkUnchanged: () => checkEtags(options.stores, inPlace),
  };
}

// The others are loaded when they are needed.
async function localizerOf({ format }: PlannedFile): Promise<typeof localizeParquet> {
  if (format === 'parquet') return localizeParquet;
  if (format === 'csv' || format === 'jsonl') return (await import('./localize-text.ts')).localizeText;
  return (await import('./localize-arrow.ts')).localizeArrow;
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
  let bytesRead = 0;
  const source = path === null ? wholeIfSmall(pinnedSource(place, file.size, file.etag)) : localSource(path, file.size);
  const footer = await options.footers.read(source, file.uri, file.etag);
  const groups = rowSpans(footer, rowStart, rowEnd);
  const ranges = wantedRanges(footer, options.columns, rowStart, rowEnd);
  const isCopied = path === null || isWorthCopying(footer.groups.count - groups.length, ranges);
  const target = isCopied ? newScratch() : path;
  if (isCopied) {
    const tail = groups.length === 0 ? footer.tail : thinTail(footer, groups[0]!.group, groups.at(-1)!.group + 1);
    const bytes = await writeSparse(source, target, parquetFrame({ tail }, file.size), ranges);
    if (path === null) bytesRead = bytes;
  }
  const own = file.columns.filter((c) => c.computedFrom === undefined && !isPathColumn(file.pathValues, c.name));
  const names = new Map(own.map((c) => [c.name, c.duckName ?? c.name]));
  const { uri, pathValues } = file;
  const asBytes = new Set<string>();
  return {
    slice: {
      path: target,
      uri,
      rowStart,
      rowEnd,
      fileRows: footer.rows,
      rowBase: 0,
      names,
      pathValues,
      groups,
      asBytes,
    },
    bytesRead,
    convertMs: 0,
    footer,
    faults: await checkPages(target, footer, options.columns, rowStart, rowEnd),
  };
}

// DuckDB looks at each row group of a file in each of its queries, for 80 us (9 columns); a GB is copied in about a second.
function isWorthCopying(others: number, ranges: readonly ByteRange[]): boolean {
  const bytes = ranges.reduce((sum, range) => sum + range.length, 0);
  return others >= FEW_GROUPS && others * GROUP_NS > bytes * BYTE_NS;
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
