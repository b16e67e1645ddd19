import { randomBytes } from 'node:crypto';
import { previewRows } from '../columnar/write-part.ts';
import type { BoundRun } from './bound-run.ts';
import { localizeChunk } from './localize.ts';
import type { SampleResult } from './messages.ts';
import { scoreChunk } from './score-chunk.ts';
import type { ChildTools } from './walk-chunk.ts';

/** Scores the first rows of the first file with any and gives them back as values; writes nothing. */
export async function sampleRows(tools: ChildTools, run: BoundRun, rows: number): Promise<SampleResult> {
  const columns = new Set([...run.features, ...run.kept.map((c) => c.name)]);
  const file = Math.max(
    0,
    run.context.files.findIndex((f) => f.rows === null || f.rows > 0),
  );
  const known = run.context.files[file]?.rows ?? null;
  const slice = { file, rowStart: 0, rowEnd: known === null ? null : Math.min(rows, known) };
  const table = `sample_${randomBytes(4).toString('hex')}`;
  const reader = await tools.duck.lane();
  const local = await localizeChunk(run.context.files, [slice], { ...tools, duck: reader, columns });
  const lane = await tools.duck.lane();
  try {
    const scored = await tools.decoding.run(async (done) =>
      scoreChunk(run, [file], local, reader, lane, table, { ort: tools.ort, onDecoded: done, onRows: () => undefined }),
    );
    const shown = run.context.outputColumns.filter((c) => c.role !== 'lineage');
    const all = await previewRows(lane, table, local.slices, shown, rows);
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
      columns: shown.map((c) => c.name),
      rows: all.filter((row) => row.code === 0).map((row) => row.values),
      rejected,
    };
  } finally {
    await lane.run(`drop table if exists ${table}`);
    lane.close();
    reader.close();
    await local.release();
  }
}
