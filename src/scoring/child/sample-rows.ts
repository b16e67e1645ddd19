import type { PlannedFile } from '../../base/contract/plan.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import { sliceLength } from '../../data/duckdb/local-slice.ts';
import { previewRows } from '../../data/duckdb/write-part.ts';
import type { UnreadableRows } from '../../data/duckdb/write-rejects.ts';
import { type BoundRun, columnsKept, columnsRead } from './bound-run.ts';
import type { ChildTools } from './child-tools.ts';
import { deriveChunk } from './derive-chunk.ts';
import type { FeedsKeeper } from './keep-feeds.ts';
import { type LocalChunk, localizeChunk } from './localize.ts';
import type { Located } from './located-slice.ts';
import type { SampleResult } from './messages.ts';
import { type ReadableSlice, withRecovery } from './readable-chunk.ts';
import { scoreChunk } from './score-chunk.ts';
import { withPredictionTable } from './scored-rows.ts';

/**
 * Scores the first rows of the input, over as many files as that takes, and gives them back as values; writes nothing. Fewer
 * come only when the input has no more. Rows that are rejected count. `keeper` keeps the feeds of the rows that are scored, in their order.
 *
 * Errors: those of walking a chunk.
 */
export async function sampleRows(
  tools: ChildTools,
  run: BoundRun,
  rows: number,
  files: readonly number[],
  keeper: FeedsKeeper | null = null,
): Promise<SampleResult> {
  const columns = shownColumns(run).map((c) => c.name);
  const found: FileSample[] = [];
  let left = rows;
  for (const file of files) {
    if (left === 0) break;
    if (run.files.at(file).rows === 0) continue;
    const sample = await sampleFile(tools, run, file, left, keeper);
    left -= sample.rowsRead;
    found.push(sample);
  }
  const counts = isText(files[0] === undefined ? undefined : run.files.at(files[0])) ? 'line' : 'row';
  return { columns, rows: found.flatMap((f) => f.rows), rejected: found.flatMap((f) => f.rejected), counts };
}

interface FileSample extends Omit<SampleResult, 'columns' | 'counts'> {
  readonly rowsRead: number;
}

/** Source rows for a row of the sample, where `where` leaves some out: first as many, then always more. */
const MORE_ROWS = 64;

/** The first rows of one file: at most `rows` of them. */
async function sampleFile(
  tools: ChildTools,
  run: BoundRun,
  file: number,
  rows: number,
  keeper: FeedsKeeper | null,
): Promise<FileSample> {
  const { where, onBadFile } = run.context;
  const columns = columnsRead(run, [file]);
  const { rows: known, deleted } = run.files.at(file);
  const isFiltered = where !== undefined || deleted !== undefined;
  for (let asked = rows; ; asked *= MORE_ROWS) {
    const slice = { file, rowStart: 0, rowEnd: known === null ? null : Math.min(asked, known) };
    const reader = await tools.duck.lane();
    const lane = await tools.duck.lane();
    let local: LocalChunk | null = null;
    try {
      const source = await localizeChunk(run.files, [slice], {
        ...tools,
        duck: reader,
        columns,
        kept: columnsKept(run),
        maxRows: asked,
      });
      local = source;
      // How many rows a stream has is known only now.
      const located = source.located.map((part) => firstRows(part, asked));
      const rowsSeen = located.reduce((sum, l) => sum + l.slice.rowEnd - l.slice.rowStart, 0);
      const options = { duck: reader, columns, onBadFile };
      const sample = await withRecovery({ ...source, located }, [file], options, async (readable) => {
        const { slices, unreadable } = await deriveChunk(tools, run, reader, readable, source);
        const kept = slices.reduce((sum, { slice }) => sum + sliceLength(slice), 0);
        if (isFiltered && kept < rows && rowsSeen >= asked && rowsSeen !== known) return null;
        const first = where === undefined ? slices : firstKept(slices, rows);
        const rowsRead = isFiltered ? Math.min(kept, rows) : rowsSeen;
        return { ...(await sampleSlices(tools, run, { reader, lane, keeper }, first, unreadable, rows)), rowsRead };
      });
      if (sample !== null) return sample;
    } finally {
      lane.close();
      reader.close();
      await local?.release();
    }
  }
}

function firstKept(slices: readonly ReadableSlice[], rows: number): ReadableSlice[] {
  let left = rows;
  return slices.flatMap((part) => {
    const { rowStart, rowEnd } = part.slice;
    const end = Math.min(rowEnd, rowStart + left);
    left -= end - rowStart;
    return end > rowStart ? [{ ...part, slice: { ...part.slice, rowEnd: end } }] : [];
  });
}

function firstRows(located: Located, rows: number): Located {
  const { slice } = located;
  return { ...located, slice: { ...slice, rowEnd: Math.min(slice.rowEnd, slice.rowStart + rows) } };
}

async function sampleSlices(
  tools: ChildTools,
  run: BoundRun,
  { reader, lane, keeper }: { readonly reader: Duck; readonly lane: Duck; readonly keeper: FeedsKeeper | null },
  slices: readonly ReadableSlice[],
  unreadable: readonly UnreadableRows[],
  rows: number,
): Promise<Omit<SampleResult, 'columns' | 'counts'>> {
  const shown = shownColumns(run);
  const lost = unreadable.map((u) => ({
    file: u.uri,
    row: u.rowStart,
    rule: 'unreadable',
    column: u.column,
    message: u.message,
  }));
  if (slices.length === 0) return { rows: [], rejected: lost };
  return withPredictionTable(lane, 'sample', async (table) => {
    keeper?.begin();
    const scored = await tools.decoding.run(async (done) =>
      scoreChunk(run, slices, reader, lane, table, {
        ort: tools.ort,
        onDecoded: done,
        onRows: () => undefined,
        onScored: keeper === null ? undefined : (slab, count, texts) => keeper.keep(slab, count, texts),
      }),
    );
    keeper?.end();
    const local = slices.map((s) => s.slice);
    const all = await previewRows(lane, table, local, shown, rows);
    const rejected = all
      .filter((row) => row.code > 0)
      .map((row) => {
        const reason = scored.codes.reasonOf(row.code);
        return {
          file: local[0]!.uri,
          row: row.position,
          rule: reason?.rule ?? '',
          column: reason?.column ?? '',
          message: reason?.message ?? '',
        };
      });
    return { rows: all.filter((row) => row.code === 0).map((row) => row.values), rejected: [...lost, ...rejected] };
  });
}

function isText(file: PlannedFile | undefined): boolean {
  return file?.text !== undefined;
}

function shownColumns(run: BoundRun): BoundRun['context']['outputColumns'] {
  return run.context.outputColumns.filter((c) => c.role !== 'lineage');
}
