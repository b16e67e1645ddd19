import type { ByteRange, Location, StoreResolver } from '../../base/contract/object-store.ts';
import type { PlannedFile, Slice } from '../../base/contract/plan.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { together } from '../../base/lanes/together.ts';
import type { LocalSlice } from '../../data/duckdb/local-slice.ts';
import { listSchema } from '../../data/duckdb/slice-runs.ts';
import type { ByteSource } from '../../data/object-store/byte-source.ts';
import { localSource } from '../../data/object-store/local-source.ts';
import { pinnedSource, wholeIfSmall, wholeOf } from '../../data/object-store/pinned-source.ts';
import { checkPages } from '../../data/parquet/check-pages.ts';
import { readDeletedRows } from '../../data/parquet/deleted-rows.ts';
import { rowSpans } from '../../data/parquet/parquet-footer.ts';
import { type KnownBytes, parquetFrame, rangesOf, writeSparse } from '../../data/parquet/sparse-file.ts';
import { thinTail } from '../../data/parquet/thin-footer.ts';
import type { FileTable } from './file-table.ts';
import { flatLeavesOf, viewOf } from './file-view.ts';
import { type LocalizeOptions, type Located, MOST_JOINED_BYTES } from './located-slice.ts';
import type { ScratchFiles } from './scratch-files.ts';

/** Files that are asked for at a time whether they are those that were planned. */
const IN_FLIGHT = 8;
/** Files of a store that are fetched together, for a chunk of many small ones: each is a round trip or two. Weighed in bytes. */
const FETCHED = { most: 32, mostWeight: 32 * 1024 * 1024 };
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
  newScratch(bytes?: number): string;
  /** Removes one of them before the others. */
  removeScratch(path: string): Promise<void>;
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
  let local: readonly Located[];
  const newScratch = (bytes?: number): string => {
    const made = options.scratch.newPath(bytes);
    scratch.push(made);
    return made;
  };
  const release = async (): Promise<void> => {
    await Promise.all(scratch.map((path) => options.scratch.remove(path)));
  };
  try {
    const weigh = (slice: Slice): number => weightOf(files.at(slice.file), options.stores);
    local = await together(slices, FETCHED, weigh, async (slice) => {
      const file = files.at(slice.file);
      const place = options.stores.at(file.uri);
      const path = place.store.localPath(place.key);
      if (path !== null) inPlace.set(file.uri, file.etag);
      const localize = await localizerOf(file);
      return localize(file, slice, place, path, newScratch, options);
    });
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
    bytesRead: local.reduce((sum, l) => sum + l.bytesRead, 0),
    fetchMs: Math.max(0, performance.now() - started - convertMs),
    convertMs,
    newScratch,
    removeScratch: (path) => options.scratch.remove(path),
    release,
    checkUnchanged: () => checkEtags(options.stores, inPlace),
  };
}

// A disk needs no company. What is rewritten to Parquet takes turns for that, but not to be fetched.
function weightOf({ uri, size }: PlannedFile, stores: StoreResolver): number {
  const { store, key } = stores.at(uri);
  return store.localPath(key) === null ? size : FETCHED.mostWeight;
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
  newScratch: (bytes?: number) => string,
  options: LocalizeOptions,
): Promise<Located> {
  const { rowStart } = slice;
  const rowEnd = slice.rowEnd ?? 0;
  let bytesRead = 0;
  const source = wholeIfSmall(path === null ? pinnedSource(place, file.size, file.etag) : localSource(path, file.size));
  const footer = await options.footers.read(source, file.uri, file.etag);
  const deleted =
    file.deleted === undefined ? null : await readDeletedRows(file.deleted, footer.rows, options.stores, file.uri);
  const groups = rowSpans(footer, rowStart, rowEnd);
  const viewed = viewOf(file);
  const { fileNames } = viewed;
  const flat =
    deleted === null && options.flat !== undefined ? flatLeavesOf(viewed, footer, groups, options.flat) : null;
  // What is read without DuckDB is checked as it is read, and needs no copy of a local file.
  const duck = namesInFile(flat === null ? options.columns : options.kept, fileNames);
  const wanted = path === null ? namesInFile(options.columns, fileNames) : duck;
  const ranges = rangesOf(footer, wanted, groups);
  const frame = (): KnownBytes[] => {
    const tail = groups.length === 0 ? footer.tail : thinTail(footer, groups[0]!.group, groups.at(-1)!.group + 1);
    return parquetFrame({ tail }, file.size);
  };
  let target: string;
  if (path === null) {
    target = newScratch();
    bytesRead = await writeSparse(source, target, frame(), ranges);
  } else {
    const bytes = ranges.reduce((sum, range) => sum + range.length, 0);
    // Kept columns of few bytes are joined to a file of their own.
    const isJoined = flat !== null && bytes <= MOST_JOINED_BYTES;
    const isCopied =
      !isJoined && isWorthCopying(footer.groups.count - groups.length, bytes) && options.scratch.hasRoom(bytes);
    const copy = isCopied ? await tryCopy(source, newScratch(bytes), frame(), ranges, options.scratch) : null;
    target = copy ?? path;
  }
  const whole = await wholeOf(source);
  const { names, casts } = viewed;
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
      ...(deleted === null ? {} : { deleted }),
      ...(casts.size === 0 ? {} : { casts }),
      ...(fileNames.size === 0 ? {} : { fileNames }),
      groups,
      asBytes,
      schema: listSchema(footer),
    },
    bytesRead,
    convertMs: 0,
    footer,
    ...(flat === null ? {} : { flat: { leaves: flat, path: path ?? target, whole } }),
    faults: await checkPages(target, footer, duck, rowStart, rowEnd, whole),
  };
}

/** Columns by the names that the file has for them, where its table has others. Errors: none. */
export function namesInFile(
  columns: ReadonlySet<string>,
  fileNames: ReadonlyMap<string, string> = new Map(),
): ReadonlySet<string> {
  return fileNames.size === 0 ? columns : new Set([...columns].map((name) => fileNames.get(name) ?? name));
}

// DuckDB looks at each row group of a file in each of its queries, for 80 us (9 columns); a GB is copied in about a second.
function isWorthCopying(others: number, bytes: number): boolean {
  return others >= FEW_GROUPS && others * GROUP_NS > bytes * BYTE_NS;
}

/** A copy that the chunk can do without: null, and nothing left of it, when the disk has no room for it. */
async function tryCopy(
  source: ByteSource,
  target: string,
  frame: readonly KnownBytes[],
  ranges: readonly ByteRange[],
  scratch: ScratchFiles,
): Promise<string | null> {
  try {
    await writeSparse(source, target, frame, ranges);
    return target;
  } catch (error) {
    if (!isPrescoreError(error) || error.code !== 'SCRATCH_FULL') throw error;
    await scratch.remove(target);
    return null;
  }
}

async function checkEtags(stores: StoreResolver, pinned: ReadonlyMap<string, string>): Promise<void> {
  const left = pinned.entries();
  const lane = async (): Promise<void> => {
    for (const [uri, etag] of left) await checkEtag(stores, uri, etag);
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, pinned.size) }, lane));
}

async function checkEtag(stores: StoreResolver, uri: string, etag: string): Promise<void> {
  const { store, key } = stores.at(uri);
  const now = await store.head(key);
  if (now === null)
    throw new PrescoreError('INPUT_GONE', { what: 'an input file was deleted while it was read', where: uri });
  if (now.etag === etag) return;
  throw new PrescoreError('INPUT_CHANGED', {
    what: 'an input file was replaced while it was read',
    where: uri,
    expected: etag,
    got: now.etag,
  });
}
