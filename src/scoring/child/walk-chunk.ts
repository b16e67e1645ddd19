import type { PlannedChunk } from '../../base/contract/plan.ts';
import type { ChunkResult } from '../../base/contract/records.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import { type BoundRun, columnsKept, columnsRead } from './bound-run.ts';
import type { ChildTools } from './child-tools.ts';
import { type DerivedChunk, deriveChunk } from './derive-chunk.ts';
import { encodePart, encodeRejects } from './encode-chunk.ts';
import { FlatRefusal } from './flat-rows.ts';
import { joinKept } from './join-kept.ts';
import { type LocalChunk, localizeChunk } from './localize.ts';
import { type ReadableSlice, withRecovery } from './readable-chunk.ts';
import { type ScoredChunk, scoreChunk } from './score-chunk.ts';
import { withPredictionTable } from './scored-rows.ts';

/** Chunks of a run that turn out to be DuckDB's, until no other one is tried. */
const MOST_REFUSALS = 3;
/** So many row groups of so few rows on average are joined before DuckDB reads them: each costs it as much as some thousand rows. */
const MANY_GROUPS = 8;
const SMALL_ROWS = 4096;
/** The footer of a joined file, about. */
const JOINED_BYTES = 64 * 1024;
/** Of the memory that DuckDB may have, which decodes nothing meanwhile, for the pages of a row group. */
const FLAT_SHARE = 0.5;

/**
 * The walk of one chunk: fetch its ranges, decode, score, encode, stage the part. Nothing becomes visible here. Row groups
 * that cannot be read are left out when the job allows it (`recover`).
 * Repeat: safe, and byte for byte the same; each attempt has scratch and staged names of its own.
 */
export async function walkChunk(
  tools: ChildTools,
  run: BoundRun,
  chunk: PlannedChunk,
  onHungry: () => void,
  onRows: (rows: number) => void,
): Promise<ChunkResult> {
  if (run.isDerived || run.flat.refusals >= MOST_REFUSALS) return walkOnce(tools, run, chunk, false, onHungry, onRows);
  let rows = 0;
  const count = (more: number): void => {
    rows += more;
    onRows(more);
  };
  try {
    return await walkOnce(tools, run, chunk, true, onHungry, count);
  } catch (error) {
    if (!(error instanceof FlatRefusal)) throw error;
    run.flat.refusals++;
    onRows(-rows);
    return walkOnce(tools, run, chunk, false, onHungry, onRows);
  }
}

/** `isFlat`: rows are decoded without DuckDB where they can be. Errors: FlatRefusal then, for a chunk that is to be walked without it. */
async function walkOnce(
  tools: ChildTools,
  run: BoundRun,
  chunk: PlannedChunk,
  isFlat: boolean,
  onHungry: () => void,
  onRows: (rows: number) => void,
): Promise<ChunkResult> {
  const started = performance.now();
  const files = chunk.slices.map((s) => s.file);
  const columns = columnsRead(run, files);
  // A connection streams one result at a time and ends it silently when another query starts, so each walk has two of
  // its own: one that reads, one that writes.
  const [reader, lane] = [await tools.duck.lane(), await tools.duck.lane()];
  let local: LocalChunk | null = null;
  try {
    const source = await localizeChunk(run.files, chunk.slices, {
      ...tools,
      duck: reader,
      columns,
      kept: columnsKept(run),
      ...(isFlat ? { flat: { columns: run.features, mostBytes: tools.arrowMemoryBytes * FLAT_SHARE } } : {}),
    });
    local = source;
    const { fetchMs, convertMs, bytesRead } = local;
    const options = { duck: reader, columns, onBadFile: run.context.onBadFile };
    const walk = { tools, run, chunk, reader, lane, local: source };
    let rows = 0;
    const count = (more: number): void => {
      rows += more;
      onRows(more);
    };
    const result = await withRecovery(source, files, options, async (readable) => {
      count(-rows);
      const derived = await deriveChunk(tools, run, reader, readable, source);
      return withPredictionTable(lane, `chunk_${chunk.n}`, (table) =>
        walkReadable(walk, table, derived, onHungry, count),
      );
    });
    await local.checkUnchanged();
    const decodeMs = result.timings.decodeMs + convertMs;
    const totalMs = performance.now() - started;
    return { ...result, timings: { ...result.timings, fetchMs, decodeMs, bytesRead, totalMs } };
  } finally {
    lane.close();
    reader.close();
    await local?.release();
  }
}

/** Writes the part, its kept columns out of one file where there are many small ones. */
async function writtenPart(
  walk: Walk,
  slices: readonly ReadableSlice[],
  scored: ScoredChunk,
): ReturnType<typeof encodePart> {
  const { run, tools, local } = walk;
  const groups = slices.reduce((sum, { slice }) => sum + slice.groups.length, 0);
  const isTiny = groups >= MANY_GROUPS && scored.rowsIn < groups * SMALL_ROWS;
  const own = slices.map(({ slice }) => slice);
  if (!isTiny || slices.some(({ flat }) => flat === undefined)) return encodePart(walk, own, scored);
  try {
    const from = await joinKept(slices, columnsKept(run), tools.scratch, (bytes) => local.newScratch(bytes));
    await tools.footers.note(from[0]?.positionColumn === undefined ? 0 : JOINED_BYTES);
    return await encodePart(walk, from, scored);
  } catch (error) {
    // Which file is to blame is told by DuckDB's own reading of each.
    throw new FlatRefusal('kept columns cannot be joined', { cause: error });
  }
}

interface Walk {
  readonly tools: ChildTools;
  readonly run: BoundRun;
  readonly chunk: PlannedChunk;
  readonly reader: Duck;
  readonly lane: Duck;
  readonly local: LocalChunk;
}

async function walkReadable(
  walk: Walk,
  table: string,
  readable: DerivedChunk,
  onHungry: () => void,
  onRows: (rows: number) => void,
): Promise<ChunkResult> {
  const { tools, run, reader, lane } = walk;
  const { rowsFiltered, deriveMs } = readable;
  onRows(rowsFiltered);
  const scored = await tools.decoding.run(async (done) => {
    const onDecoded = (): void => {
      done();
      onHungry();
    };
    return scoreChunk(run, readable.slices, reader, lane, table, { ort: tools.ort, onDecoded, onRows });
  });
  const encoded = performance.now();
  const part = await writtenPart(walk, readable.slices, scored);
  const rejects = await encodeRejects(walk, readable, scored);
  const { rowsScored, rejectsByRule, decodeMs, scoreMs, runMs, batches, halvedTo } = scored;
  const halved = halvedTo === null ? {} : { halvedTo };
  const unreadable = readable.unreadable.reduce((sum, u) => sum + u.rows, 0);
  const storeMs = (part?.storeMs ?? 0) + (rejects?.storeMs ?? 0);
  const encodeMs = performance.now() - encoded - storeMs;
  return {
    rowsIn: scored.rowsIn + unreadable + rowsFiltered,
    rowsScored,
    rowsRejected: scored.rowsRejected + unreadable,
    ...(run.context.where === undefined && rowsFiltered === 0 ? {} : { rowsFiltered }),
    rejectsByRule: unreadable === 0 ? rejectsByRule : { ...rejectsByRule, unreadable },
    part: part?.record ?? null,
    rejects: rejects?.record ?? null,
    timings: {
      ...{
        fetchMs: 0,
        decodeMs: decodeMs + deriveMs,
        scoreMs,
        runMs,
        encodeMs,
        storeMs,
        totalMs: 0,
        bytesRead: 0,
        batches,
      },
      ...halved,
    },
    ...(tools.ort.device === null ? {} : { device: tools.ort.device }),
  };
}
