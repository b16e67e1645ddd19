import { open } from 'node:fs/promises';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import {
  findBadTexts,
  findUnreadable,
  type NarrowSlice,
  type UnreadableGroup,
} from '../../data/duckdb/find-unreadable.ts';
import { BAD_TEXT, isShortage, type LocalSlice } from '../../data/duckdb/local-slice.ts';
import type { UnreadableRows } from '../../data/duckdb/write-rejects.ts';
import type { ByteSource } from '../../data/object-store/byte-source.ts';
import type { ParquetFooter, RowSpan } from '../../data/parquet/parquet-footer.ts';
import { parquetFrame, wantedRanges, writeSparse } from '../../data/parquet/sparse-file.ts';
import { thinTail } from '../../data/parquet/thin-footer.ts';
import { FlatRefusal } from './flat-rows.ts';
import { type LocalChunk, namesInFile } from './localize.ts';
import type { FlatFile } from './located-slice.ts';

/** What of a chunk is scored: its slices without the row groups that cannot be read. */
export interface ReadableChunk {
  readonly slices: readonly ReadableSlice[];
  readonly unreadable: readonly UnreadableRows[];
}

export interface ReadableSlice {
  readonly slice: LocalSlice;
  /** Index of the file in the plan. */
  readonly file: number;
  readonly footer: ParquetFooter | null;
  /** Where its feature columns are read without DuckDB. */
  readonly flat?: FlatFile | undefined;
}

export interface RecoverOptions {
  readonly duck: Duck;
  /** Top-level columns that the chunk reads. */
  readonly columns: ReadonlySet<string>;
  readonly onBadFile: 'fail' | 'skip';
}

/**
 * Walks what can be read of a chunk, from anew each time that more of it turns out to be unreadable: texts that are not
 * UTF-8 are read as bytes, so that their rows alone are rejected; other row groups that do not decode are left out. The
 * same file gives the same answer on every attempt.
 *
 * Errors: INPUT_CORRUPT with file, row group and column, unless `onBadFile` is skip; those of `walk`.
 */
export async function withRecovery<T>(
  local: LocalChunk,
  files: readonly number[],
  options: RecoverOptions,
  walk: (chunk: ReadableChunk) => Promise<T>,
): Promise<T> {
  let chunk = fetchedChunk(local, files, options);
  for (;;) {
    try {
      return await walk(chunk);
    } catch (error) {
      // A file that was replaced meanwhile may look damaged.
      await local.checkUnchanged();
      // What cannot be read is looked for where DuckDB reads all columns.
      if (chunk.slices.some((s) => s.flat !== undefined)) throw refusalOf(error);
      chunk = await recover(error, chunk, local, options);
    }
  }
}

/** A chunk as it was fetched, without row groups whose pages are known to be damaged. */
function fetchedChunk(local: LocalChunk, files: readonly number[], options: RecoverOptions): ReadableChunk {
  const parts = local.located.map(({ slice, footer, faults, flat }, i) => {
    if (flat !== undefined && faults.length > 0) throw new FlatRefusal('pages are damaged');
    const byGroup = Map.groupBy(faults, (f) => f.group);
    const groups = slice.groups.flatMap((span): UnreadableGroup[] => {
      const own = byGroup.get(span.group);
      return own === undefined ? [] : [{ ...span, columns: own.map((f) => ({ name: f.column, message: f.message })) }];
    });
    return leaveOut({ slice, file: files[i]!, footer, flat }, groups, options);
  });
  return { slices: parts.flatMap((p) => p.slices), unreadable: parts.flatMap((p) => p.unreadable) };
}

/** Errors that say nothing of the file stay what they are. */
function refusalOf(error: unknown): unknown {
  const isOther = isShortage(error) || (isPrescoreError(error) && error.code !== 'INPUT_CORRUPT');
  return isOther ? error : new FlatRefusal('rows cannot be read', { cause: error });
}

/** Errors: `error` itself when it is about something else, or when every row group can be read. */
async function recover(
  error: unknown,
  chunk: ReadableChunk,
  local: LocalChunk,
  options: RecoverOptions,
): Promise<ReadableChunk> {
  if (isShortage(error) || (isPrescoreError(error) && error.code !== 'INPUT_CORRUPT')) throw error;
  const slices: ReadableSlice[] = [];
  const unreadable = [...chunk.unreadable];
  let hasChanged = false;
  for (const part of chunk.slices) {
    // First, since one query tells it of a column, and of row groups it takes many.
    const bad = await findBadTexts(options.duck, part.slice, hideable(part, options));
    if (bad.size > 0) {
      slices.push(await withBytes(part, bad, local.newScratch(), options.columns));
      hasChanged = true;
      continue;
    }
    const narrow = narrowed(part, local, options.columns);
    const groups = await findUnreadable(options.duck, part.slice, [...options.columns], narrow);
    hasChanged ||= groups.length > 0;
    const texts = badTexts(part, groups, options);
    if (texts.size > 0) slices.push(await withBytes(part, texts, local.newScratch(), options.columns));
    else {
      const kept = leaveOut(part, groups, options);
      slices.push(...kept.slices);
      unreadable.push(...kept.unreadable);
    }
  }
  if (!hasChanged) throw error;
  return { slices, unreadable };
}

/** Cuts row groups out of a slice. Errors: INPUT_CORRUPT for the first, unless `onBadFile` is skip. */
function leaveOut(part: ReadableSlice, groups: readonly UnreadableGroup[], options: RecoverOptions): ReadableChunk {
  const { slice } = part;
  const unreadable = groups.map(({ group, rowStart, rowEnd, columns }): UnreadableRows => {
    const names = columns.map((c) => c.name).join(', ');
    const message = columns[0]?.message ?? '';
    const span = `row group ${group} (rows ${rowStart} to ${rowEnd - 1})`;
    // Which of its rows are deleted is known, but a reject names each row of a group.
    if (options.onBadFile === 'fail' || slice.deleted !== undefined) {
      const what = `column ${JSON.stringify(columns[0]?.name)} of ${span} cannot be read: ${message}`;
      throw new PrescoreError('INPUT_CORRUPT', { what, where: slice.uri, data: { group, rowStart, rowEnd, columns } });
    }
    return { uri: slice.uri, rowStart, rows: rowEnd - rowStart, column: names, message: `${span}: ${message}` };
  });
  const slices: ReadableSlice[] = [];
  let from = slice.rowStart;
  let next = 0;
  const push = (rowEnd: number): void => {
    while (next < slice.groups.length && slice.groups[next]!.rowStart < from) next++;
    const first = next;
    while (next < slice.groups.length && slice.groups[next]!.rowEnd <= rowEnd) next++;
    const spans = slice.groups.slice(first, next);
    if (rowEnd > from) slices.push({ ...part, slice: { ...slice, rowStart: from, rowEnd, groups: spans } });
  };
  for (const { rowStart, rowEnd } of groups) {
    push(rowStart);
    from = rowEnd;
  }
  push(slice.rowEnd);
  return { slices, unreadable };
}

function badTexts(part: ReadableSlice, groups: readonly UnreadableGroup[], options: RecoverOptions): Set<string> {
  const names = new Set(hideable(part, options));
  const faults = groups.flatMap((g) => g.columns).filter((c) => c.message === BAD_TEXT && names.has(c.name));
  return new Set(faults.map((c) => c.name));
}

/** Columns of texts that can be read as bytes and are not yet. */
function hideable({ slice, footer }: ReadableSlice, { columns }: RecoverOptions): string[] {
  const texts = new Set(footer?.columns.flatMap((c) => (c.textByte === null ? [] : [c.name])) ?? []);
  return [...columns].filter((name) => {
    const isText = texts.has(slice.fileNames?.get(name) ?? name) && slice.casts?.has(name) !== true;
    return isText && slice.names.has(name) && !slice.asBytes.has(name);
  });
}

/**
 * A copy of the slice's bytes whose footer does not say that these columns are texts: DuckDB refuses a whole read for one
 * text that is not UTF-8, but gives bytes as they are.
 */
async function withBytes(
  part: ReadableSlice,
  texts: Set<string>,
  path: string,
  columns: ReadonlySet<string>,
): Promise<ReadableSlice> {
  const { slice } = part;
  const asBytes = new Set([...slice.asBytes, ...texts]);
  await copyRows(part, slice.groups, asBytes, path, columns);
  return { ...part, slice: { ...slice, path, asBytes } };
}

function narrowed(part: ReadableSlice, local: LocalChunk, columns: ReadonlySet<string>): NarrowSlice {
  return async (slice, groups, work) => {
    const path = local.newScratch();
    try {
      await copyRows(part, groups, slice.asBytes, path, columns);
      return await work({ ...slice, path });
    } finally {
      await local.removeScratch(path);
    }
  };
}

/** Copies row groups of a slice to a file that has no others, in which these columns are bytes. */
async function copyRows(
  { slice, footer: known }: ReadableSlice,
  groups: readonly RowSpan[],
  asBytes: ReadonlySet<string>,
  path: string,
  columns: ReadonlySet<string>,
): Promise<void> {
  const footer = known!;
  const [first, last] = [groups[0]!, groups.at(-1)!];
  const tail = footer.tail.slice();
  const hidden = namesInFile(asBytes, slice.fileNames);
  for (const { name, textByte } of footer.columns) {
    if (textByte !== null && hidden.has(name)) tail[textByte.offset] = textByte.value;
  }
  const ranges = wantedRanges(footer, namesInFile(columns, slice.fileNames), first.rowStart, last.rowEnd);
  const thin = thinTail({ ...footer, tail }, first.group, last.group + 1);
  const file = await open(slice.path, 'r');
  try {
    const { size } = await file.stat();
    const source: ByteSource = {
      size,
      read: async (offset, length) => {
        const into = new Uint8Array(length);
        await file.read(into, 0, length, offset);
        return into;
      },
    };
    await writeSparse(source, path, parquetFrame({ tail: thin }, size), ranges);
  } finally {
    await file.close();
  }
}
