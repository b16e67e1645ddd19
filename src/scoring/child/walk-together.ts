import { rm } from 'node:fs/promises';
import type { PlannedChunk } from '../../base/contract/plan.ts';
import type { ChunkResult, ChunkTimings } from '../../base/contract/records.ts';
import { writePartsTogether } from '../../data/duckdb/write-part.ts';
import { type BoundRun, columnsKept, columnsRead, decodedColumns } from './bound-run.ts';
import type { ChildTools } from './child-tools.ts';
import { type PartPlace, partPlace, stagePart } from './encode-chunk.ts';
import { type LocalChunk, localizeChunk } from './localize.ts';
import { type ScoredTogether, type SmallChunk, scoreTogether } from './score-together.ts';
import { newTableName } from './scored-rows.ts';

interface Gathered extends SmallChunk {
  readonly chunk: PlannedChunk;
  readonly local: LocalChunk;
}

/** Bytes of all files at most: of a file that is all footer, DuckDB makes eleven times as much. */
const FILES_BYTES = 4 * 1024 * 1024;

/** Whether chunks fit one slab and one query: small Parquet files whose feature columns have the same types, of a job without expressions. */
export function canWalkTogether(run: BoundRun, chunks: readonly PlannedChunk[]): boolean {
  // How many rows with lists of any length a slab has room for shows when they are read.
  if (run.isDerived || run.context.binding.lengths !== undefined) return false;
  const { rowGroupRows } = run.context;
  const own = [...new Set(chunks.flatMap((c) => c.slices.map((s) => s.file)))].map((file) => run.files.at(file));
  if (
    own.some((file) => file.format !== 'parquet' || file.deleted !== undefined) ||
    chunks.some((c) => (c.rows ?? 0) > rowGroupRows)
  )
    return false;
  if (own.reduce((sum, file) => sum + file.size, 0) > FILES_BYTES) return false;
  if (chunks.reduce((sum, c) => sum + (c.rows ?? Number.POSITIVE_INFINITY), 0) > run.layout.rows) return false;
  const types = chunks.flatMap((c) => c.slices.map((s) => typesOf(run, s.file)));
  return types.every((t) => t === types[0]);
}

/**
 * The walk of several small chunks with one query, one slab, one table and one COPY for all: nearly all that a tiny chunk
 * costs is a statement's planning. The parts are the same, byte for byte, as of each by itself.
 *
 * Gives the chunks that went well; of the others (rows rejected, a file that cannot be read, anything unexpected) nothing is
 * known, and each is to be walked alone. Errors: none. Repeat: safe.
 */
export async function walkTogether(
  tools: ChildTools,
  run: BoundRun,
  chunks: readonly PlannedChunk[],
  onHungry: () => void,
): Promise<Map<number, ChunkResult>> {
  const started = performance.now();
  const [reader, lane] = [await tools.duck.lane(), await tools.duck.lane()];
  let gathered: Gathered[] = [];
  try {
    gathered = await gather(tools, run, chunks);
    if (gathered.length === 0) return new Map();
    const fetchMs = performance.now() - started;
    const table = newTableName('chunks');
    const scored = await tools.decoding.run((done) => {
      const onDecoded = (): void => {
        done();
        onHungry();
      };
      const file = gathered[0]!.chunk.slices[0]!.file;
      return scoreTogether(run, gathered, file, { reader, lane }, table, { ort: tools.ort, onDecoded });
    });
    const encoded = performance.now();
    const { context } = run;
    const places = await Promise.all(gathered.map(({ chunk }) => partPlace(tools, run, chunk.n)));
    const parts = gathered.map(({ slices }, i) => ({ slices, target: scored.hasRejects[i] ? null : places[i]!.path }));
    const folder = `${places[0]!.path}.d`;
    await writePartsTogether(lane, table, parts, context.outputColumns, context, { ...context, folder });
    const of = gathered.length;
    const shared = { times: sharedOut(scored, fetchMs, performance.now() - encoded, of), started, of };
    const results = await Promise.all(
      gathered.map((one, i) => (scored.hasRejects[i] ? null : finish(tools, run, one, places[i]!, shared))),
    );
    return new Map(results.flatMap((result, i) => (result === null ? [] : [[gathered[i]!.chunk.n, result]])));
  } catch {
    // Which one is to blame shows when each is walked alone.
    return new Map();
  } finally {
    lane.close();
    reader.close();
    await Promise.all(gathered.map(({ local }) => local.release()));
  }
}

function typesOf(run: BoundRun, file: number): string {
  return decodedColumns(run, file)
    .map((c) => c.type)
    .join();
}

/** Fetches all of them at a time; those that cannot be fetched, or are damaged, are left out. */
async function gather(tools: ChildTools, run: BoundRun, chunks: readonly PlannedChunk[]): Promise<Gathered[]> {
  const options = { ...tools, columns: columnsRead(run, []), kept: columnsKept(run) };
  const found = await Promise.all(
    chunks.map(async (chunk): Promise<Gathered | null> => {
      const local = await localizeChunk(run.files, chunk.slices, options).catch(() => null);
      if (local === null) return null;
      if (local.located.every((l) => l.faults.length === 0))
        return { chunk, local, slices: local.slices, rows: chunk.rows! };
      await local.release();
      return null;
    }),
  );
  return found.filter((one) => one !== null);
}

interface Shared {
  readonly times: Pick<ChunkTimings, 'fetchMs' | 'decodeMs' | 'scoreMs' | 'runMs' | 'encodeMs' | 'halvedTo'>;
  readonly started: number;
  /** Chunks that it is shared by. */
  readonly of: number;
}

/** What was done for all of them, by chunk. */
function sharedOut(scored: ScoredTogether, fetchMs: number, encodeMs: number, of: number): Shared['times'] {
  const { decodeMs, scoreMs, runMs, halvedTo } = scored;
  const halved = halvedTo === null ? {} : { halvedTo };
  const times = { decodeMs: decodeMs / of, scoreMs: scoreMs / of, runMs: runMs / of };
  return { fetchMs: fetchMs / of, ...times, encodeMs: encodeMs / of, ...halved };
}

/** Stages a part and tells what became of its chunk; null when it is to be walked alone. */
async function finish(
  tools: ChildTools,
  run: BoundRun,
  { local, rows }: Gathered,
  place: PartPlace,
  { times, started, of }: Shared,
): Promise<ChunkResult | null> {
  try {
    await local.checkUnchanged();
    const { record, storeMs } = await stagePart(place, run, rows);
    const { bytesRead } = local;
    const batches = Math.ceil(rows / run.context.batchRows);
    return {
      ...{ rowsIn: rows, rowsScored: rows, rowsRejected: 0, rejectsByRule: {}, part: record, rejects: null },
      timings: { ...times, storeMs: storeMs / of, totalMs: performance.now() - started, bytesRead, batches },
      ...(tools.ort.device === null ? {} : { device: tools.ort.device }),
    };
  } catch {
    await rm(place.path, { force: true });
    return null;
  }
}
