import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Location } from '../../base/contract/object-store.ts';
import type { PlannedFile, Slice } from '../../base/contract/plan.ts';
import type { TextLayout } from '../../base/contract/table.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { isOutOfSpace, scratchFault } from '../../base/errors/scratch-fault.ts';
import { isPathColumn, type LocalSlice } from '../../data/duckdb/local-slice.ts';
import type { ByteSource } from '../../data/object-store/byte-source.ts';
import { pinnedSource } from '../../data/object-store/pinned-source.ts';
import { writeSparse } from '../../data/parquet/sparse-file.ts';
import { textBlocks } from '../../data/text/text-blocks.ts';
import { type TextToParquetResult, textToParquet } from '../../data/text/text-to-parquet.ts';
import type { LocalizeOptions, Located } from './located-slice.ts';

/** Text that is unpacked for a sample at first; more where it has too few rows. */
const SAMPLE_BYTES = 8 * 1024 * 1024;

/** Text on this machine. */
interface LocalText {
  readonly path: string;
  readonly bytesRead: number;
  /** The file goes on. */
  readonly isCut: boolean;
}

/**
 * Rewrites the records of a CSV or JSONL file to a scratch Parquet file, from where the one Parquet path goes on. A packed file
 * is unpacked to a scratch file first, and one from S3 fetched; of those a sample takes only the start.
 *
 * Errors: INPUT_CORRUPT for a damaged archive, SCRATCH_LIMIT, SCRATCH_FULL; those of `textToParquet` and of the store.
 */
export async function localizeText(
  file: PlannedFile,
  slice: Slice,
  place: Location,
  path: string | null,
  newScratch: () => string,
  options: LocalizeOptions,
): Promise<Located> {
  const { text: layout, uri, pathValues } = file;
  if (layout === undefined) throw new PrescoreError('INTERNAL', { what: 'a text file has no layout', where: uri });
  const columns = file.columns.filter((c) => options.columns.has(c.name) && !isPathColumn(pathValues, c.name));
  const source = pinnedSource(place, file.size, file.etag);
  const rows = options.maxRows ?? Number.POSITIVE_INFINITY;
  let mostBytes = options.maxRows === undefined ? Number.POSITIVE_INFINITY : SAMPLE_BYTES;
  let bytesRead = 0;
  let convertMs = 0;
  for (;;) {
    const local = await localText(source, uri, layout, path, newScratch, mostBytes, options.scratchBytes);
    bytesRead += local.bytesRead;
    const target = newScratch();
    const written = await options.converting.run(async () => {
      const started = performance.now();
      const result = await textToParquet({
        ...{ connection: options.duck.connection, path: local.path, layout, columns, target, uri },
        kept: options.kept,
        limits: { rows, isCut: local.isCut },
      });
      convertMs += performance.now() - started;
      return result;
    });
    if (local.path !== path) await rm(local.path, { force: true });
    if (!local.isCut || written.rows >= rows) {
      return { slice: sliceOf(written, target, slice, file), bytesRead, convertMs, footer: null, faults: [] };
    }
    mostBytes *= 8;
  }
}

function sliceOf(
  { rows, names, lineColumn, faultColumn, faults, groupRows }: TextToParquetResult,
  path: string,
  slice: Slice,
  { uri, pathValues }: PlannedFile,
): LocalSlice {
  return {
    path,
    uri,
    rowStart: 0,
    rowEnd: rows,
    fileRows: rows,
    rowBase: slice.rowStart,
    names,
    pathValues,
    groups: [],
    asBytes: new Set<string>(),
    notes: { rowColumn: lineColumn, faultColumn, faults },
    groupRows,
  };
}

async function localText(
  source: ByteSource,
  uri: string,
  { compression }: TextLayout,
  path: string | null,
  newScratch: () => string,
  mostBytes: number,
  scratchBytes: number,
): Promise<LocalText> {
  if (compression === 'none' && path !== null) return { path, bytesRead: 0, isCut: false };
  const target = newScratch();
  if (compression === 'none' && source.size <= mostBytes) {
    const bytesRead = await writeSparse(source, target, [], [{ offset: 0, length: source.size }]);
    return { path: target, bytesRead, isCut: false };
  }
  const file = await open(target, 'wx');
  let bytes = 0;
  try {
    for await (const block of textBlocks(source, compression, uri)) {
      bytes += block.length;
      if (bytes > scratchBytes) throw tooLarge(uri, scratchBytes);
      await file.writeFile(block);
      if (bytes >= mostBytes) return { path: target, bytesRead: path === null ? bytes : 0, isCut: true };
    }
  } catch (error) {
    throw isOutOfSpace(error) ? scratchFault(error, dirname(target)) : error;
  } finally {
    await file.close();
  }
  return { path: target, bytesRead: path === null ? source.size : 0, isCut: false };
}

function tooLarge(uri: string, scratchBytes: number): PrescoreError {
  return new PrescoreError('SCRATCH_LIMIT', {
    what: 'the unpacked text does not fit the scratch space of a scorer',
    where: uri,
    expected: `at most ${scratchBytes} bytes`,
  });
}
