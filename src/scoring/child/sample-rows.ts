import type { Duck } from '../../data/duckdb/duckdb.ts';
import { previewRows } from '../../data/duckdb/write-part.ts';
import type { UnreadableRows } from '../../data/duckdb/write-rejects.ts';
import { type BoundRun, columnsRead } from './bound-run.ts';
import type { ChildTools } from './child-tools.ts';
import { localizeChunk } from './localize.ts';
import type { SampleResult } from './messages.ts';
import { withPredictionTable } from './prediction-table.ts';
import { type ReadableSlice, withRecovery } from './readable-chunk.ts';
import { scoreChunk } from './score-chunk.ts';

/** Scores the first rows of the first file with any and gives them back as values; writes nothing. */
export async function sampleRows(tools: ChildTools, run: BoundRun, rows: number): Promise<SampleResult> {
  const columns = columnsRead(run);
  const file = Math.max(
    0,
    run.context.files.findIndex((f) => f.rows === null || f.rows > 0),
  );
  const known = run.context.files[file]?.rows ?? null;
  const slice = { file, rowStart: 0, rowEnd: known === null ? null : Math.min(rows, known) };
  const reader = await tools.duck.lane();
  const local = await localizeChunk(run.context.files, [slice], { ...tools, duck: reader, columns });
  const lane = await tools.duck.lane();
  const options = { duck: reader, columns, onBadFile: run.context.onBadFile };
  try {
    return await withRecovery(local, [file], options, ({ slices, unreadable }) =>
      sampleSlices(tools, run, { reader, lane }, slices, unreadable, rows),
    );
  } finally {
    lane.close();
    reader.close();
    await local.release();
  }
}

async function sampleSlices(
  tools: ChildTools,
  run: BoundRun,
  { reader, lane }: { readonly reader: Duck; readonly lane: Duck },
  slices: readonly ReadableSlice[],
  unreadable: readonly UnreadableRows[],
  rows: number,
): Promise<SampleResult> {
  const shown = run.context.outputColumns.filter((c) => c.role !== 'lineage');
  const columns = shown.map((c) => c.name);
  const lost = unreadable.map((u) => ({ row: u.rowStart, rule: 'unreadable', column: u.column, message: u.message }));
  if (slices.length === 0) return { columns, rows: [], rejected: lost };
  return withPredictionTable(lane, 'sample', async (table) => {
    const scored = await tools.decoding.run(async (done) =>
      scoreChunk(run, slices, reader, lane, table, { ort: tools.ort, onDecoded: done, onRows: () => undefined }),
    );
    const local = slices.map((s) => s.slice);
    const all = await previewRows(lane, table, local, shown, rows);
    const rejected = all
      .filter((row) => row.code > 0)
      .map((row) => {
        const reason = scored.codes.reasonOf(row.code);
        return {
          row: row.position,
          rule: reason?.rule ?? '',
          column: reason?.column ?? '',
          message: reason?.message ?? '',
        };
      });
    return {
      columns,
      rows: all.filter((row) => row.code === 0).map((row) => row.values),
      rejected: [...lost, ...rejected],
    };
  });
}
