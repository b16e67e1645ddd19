import type { ByteRange, Location } from '../../base/contract/object-store.ts';
import type { PlannedFile, Slice } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type ArrowSummary, describeArrow } from '../../data/arrow/arrow-ipc.ts';
import { type ArrowToParquetOptions, arrowToParquet } from '../../data/arrow-values/arrow-to-parquet.ts';
import { isPathColumn } from '../../data/duckdb/local-slice.ts';
import { pinnedSource } from '../../data/object-store/pinned-source.ts';
import { writeSparse } from '../../data/parquet/sparse-file.ts';
import type { LocalizeOptions, Located } from './located-slice.ts';

/**
 * Rewrites the record batches that hold rows of a slice to a scratch Parquet file, from where the one Parquet path goes on.
 * From S3 only the schema, dictionaries, footer and those batches are fetched; a stream is read whole. A slice may begin and
 * end inside a batch.
 *
 * Errors: those of `arrowToParquet`, INPUT_CORRUPT when the file has not all rows of the slice, and those of the store.
 */
export async function localizeArrow(
  file: PlannedFile,
  slice: Slice,
  place: Location,
  path: string | null,
  newScratch: () => string,
  options: LocalizeOptions,
): Promise<Located> {
  const source = pinnedSource(place, file.size, file.etag);
  const summary = await describeArrow(source, file.uri);
  const batches = slice.rowEnd === null ? null : batchesOf(summary, slice.rowStart, slice.rowEnd, file.uri);
  let bytesRead = 0;
  const local = path ?? newScratch();
  if (path === null) bytesRead = await writeSparse(source, local, [], neededRanges(summary, batches, file.size));
  const target = newScratch();
  const columns = file.columns
    .map((c) => c.name)
    .filter((name) => options.columns.has(name) && !isPathColumn(file.pathValues, name));
  const conversion: ArrowToParquetOptions = {
    connection: options.duck.connection,
    path: local,
    format: summary.format,
    columns,
    kept: options.kept,
    ...(batches === null ? {} : { batches }),
    target,
    compression: 'snappy',
    memoryBytes: options.arrowMemoryBytes,
    name: file.uri,
  };
  let started = 0;
  const { rows, names, groupRows } = await options.converting.run(() => {
    started = performance.now();
    return arrowToParquet(conversion);
  });
  const convertMs = performance.now() - started;
  const { uri, pathValues } = file;
  const rowBase = batches?.rowBase ?? 0;
  return {
    slice: {
      path: target,
      uri,
      rowStart: slice.rowStart - rowBase,
      rowEnd: slice.rowEnd === null ? rows : slice.rowEnd - rowBase,
      fileRows: rows,
      rowBase,
      names,
      pathValues,
      groups: [],
      asBytes: new Set<string>(),
      groupRows,
    },
    bytesRead,
    convertMs,
    footer: null,
    faults: [],
  };
}

/** Record batches, and the number of the first one's first row in the file. */
interface BatchSpan {
  readonly first: number;
  readonly last: number;
  readonly rowBase: number;
}

function batchesOf(summary: ArrowSummary, rowStart: number, rowEnd: number, uri: string): BatchSpan {
  let row = 0;
  let [first, last, rowBase] = [-1, -1, 0];
  for (const [i, { rows }] of summary.batches.entries()) {
    if (row < rowEnd && row + rows > rowStart) {
      if (first < 0) [first, rowBase] = [i, row];
      last = i;
    }
    row += rows;
  }
  if (first < 0 || row < rowEnd) {
    throw new PrescoreError('INPUT_CORRUPT', {
      what: 'record batches are not those that were planned',
      where: uri,
      expected: `rows ${rowStart} to ${rowEnd}`,
      got: `${row} rows`,
    });
  }
  return { first, last, rowBase };
}

function neededRanges(summary: ArrowSummary, batches: BatchSpan | null, size: number): ByteRange[] {
  if (batches === null) return [{ offset: 0, length: size }];
  return [...summary.metadata, ...summary.batches.slice(batches.first, batches.last + 1)];
}
