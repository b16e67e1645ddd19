import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Duck, quoteText } from '../columnar/duckdb.ts';
import { writeEmptyPart, writePart, writeRejects } from '../columnar/write-part.ts';
import type { StoreResolver } from '../contract/object-store.ts';
import type { PlannedChunk } from '../contract/plan.ts';
import type { PartRecord } from '../contract/records.ts';
import type { BoundRun } from './bound-run.ts';
import type { FooterCache } from './footer-cache.ts';
import { type LocalChunk, localizeChunk } from './localize.ts';
import type { ChunkResult } from './messages.ts';
import type { OrtClient } from './ort-client.ts';
import { type ScoredChunk, scoreChunk } from './score-chunk.ts';

/** What a child owns while it lives. */
export interface ChildTools {
  readonly stores: StoreResolver;
  readonly duck: Duck;
  readonly ort: OrtClient;
  readonly scratchDir: string;
  readonly footers: FooterCache;
  readonly arrowMemoryBytes: number;
  /** Held while a chunk is decoded: slabs of two chunks never interleave. */
  readonly decoding: { run<T>(task: (done: () => void) => Promise<T>): Promise<T> };
}

/**
 * The walk of one chunk: fetch its ranges, decode, score, encode, stage the part. Nothing becomes visible here.
 * Repeat: safe, and byte for byte the same; each attempt has scratch and staged names of its own.
 */
export async function walkChunk(
  tools: ChildTools,
  run: BoundRun,
  chunk: PlannedChunk,
  onHungry: () => void,
  onRows: (rows: number) => void,
): Promise<ChunkResult> {
  const started = performance.now();
  const table = `chunk_${chunk.n}_${randomBytes(4).toString('hex')}`;
  const columns = new Set([...run.features, ...run.kept.map((c) => c.name)]);
  // A connection streams one result at a time and ends it silently when another query starts, so each walk has two of
  // its own: one that reads, one that writes.
  const [reader, lane] = [await tools.duck.lane(), await tools.duck.lane()];
  let local: LocalChunk | null = null;
  try {
    local = await localizeChunk(run.context.files, chunk.slices, { ...tools, duck: reader, columns });
    const here = local;
    const scored = await tools.decoding.run(async (done) => {
      const onDecoded = (): void => {
        done();
        onHungry();
      };
      return scoreChunk(
        run,
        chunk.slices.map((s) => s.file),
        here,
        reader,
        lane,
        table,
        { ort: tools.ort, onDecoded, onRows },
      );
    });
    const encoded = performance.now();
    const part = await encodePart(tools, lane, run, chunk, local, scored);
    const rejects = await encodeRejects(tools, lane, run, chunk, local, scored);
    await local.checkUnchanged();
    const now = performance.now();
    const { rowsIn, rowsScored, rowsRejected, rejectsByRule, decodeMs, scoreMs, batches } = scored;
    const storeMs = (part?.storeMs ?? 0) + (rejects?.storeMs ?? 0);
    return {
      rowsIn,
      rowsScored,
      rowsRejected,
      rejectsByRule,
      part: part?.record ?? null,
      rejects: rejects?.record ?? null,
      timings: {
        fetchMs: local.fetchMs,
        decodeMs,
        scoreMs,
        encodeMs: now - encoded - storeMs,
        storeMs,
        totalMs: now - started,
        bytesRead: local.bytesRead,
        batches,
      },
    };
  } finally {
    await lane.run(`drop table if exists ${table}`);
    lane.close();
    reader.close();
    await local?.release();
  }
}

/** A part without rows, for a run that scored none. */
export async function walkEmpty(tools: ChildTools, run: BoundRun, n: number): Promise<PartRecord> {
  const place = await partPlace(tools, run, n);
  const { compression, rowGroupRows } = run.context;
  await writeEmptyPart(tools.duck, run.context.outputColumns, { target: place.path, compression, rowGroupRows });
  return (await stagePart(place, run, 0)).record;
}

/** `part-00012-<run>.parquet`. */
export function partName(n: number, runId: string): string {
  return `part-${String(n).padStart(5, '0')}-${runId}.parquet`;
}

interface PartPlace {
  readonly name: string;
  readonly key: string;
  readonly path: string;
  readonly isScratch: boolean;
  readonly store: ReturnType<StoreResolver['at']>['store'];
}

async function partPlace(tools: ChildTools, run: BoundRun, n: number): Promise<PartPlace> {
  const { outputUri, runId } = run.context;
  const name = partName(n, runId);
  const { store, key } = tools.stores.at(`${outputUri.replace(/\/$/, '')}/${name}`);
  const staging = await store.stagingPath(key, runId);
  const path = staging ?? join(tools.scratchDir, `part-${randomBytes(8).toString('hex')}`);
  return { name, key, path, isScratch: staging === null, store };
}

async function stagePart(
  place: PartPlace,
  run: BoundRun,
  rows: number,
): Promise<{ record: PartRecord; storeMs: number }> {
  const started = performance.now();
  const { size } = await stat(place.path);
  const sha256 = await fileDigest(place.path);
  const staged = await place.store.stage(place.key, { path: place.path, size, sha256, runId: run.context.runId });
  if (place.isScratch) await rm(place.path, { force: true });
  return { record: { name: place.name, rows, size, sha256, staged }, storeMs: performance.now() - started };
}

async function encodePart(
  tools: ChildTools,
  lane: Duck,
  run: BoundRun,
  chunk: PlannedChunk,
  local: LocalChunk,
  scored: ScoredChunk,
): Promise<{ record: PartRecord; storeMs: number } | null> {
  if (scored.rowsScored === 0) return null;
  const place = await partPlace(tools, run, chunk.n);
  const { context } = run;
  await writePart(lane, scored.table, local.slices, context.outputColumns, context, {
    target: place.path,
    compression: context.compression,
    rowGroupRows: context.rowGroupRows,
  });
  return stagePart(place, run, scored.rowsScored);
}

async function encodeRejects(
  tools: ChildTools,
  lane: Duck,
  run: BoundRun,
  chunk: PlannedChunk,
  local: LocalChunk,
  scored: ScoredChunk,
): Promise<{ record: NonNullable<ChunkResult['rejects']>; storeMs: number } | null> {
  if (scored.rowsRejected === 0) return null;
  const codesTable = `${scored.table}_codes`;
  await lane.run(`create table ${codesTable} (code USMALLINT, rule VARCHAR, column_name VARCHAR, message VARCHAR)`);
  const rows = scored.codes.reasons.map(
    (r, i) => `(${i + 1}, ${quoteText(r.rule)}, ${quoteText(r.column)}, ${quoteText(r.message)})`,
  );
  await lane.run(`insert into ${codesTable} values ${rows.join(', ')}`);
  const path = join(tools.scratchDir, `rejects-${randomBytes(8).toString('hex')}`);
  try {
    const ids = run.kept.filter((c) => c.role === 'id');
    await writeRejects(lane, scored.table, codesTable, local.slices, ids, path);
    const started = performance.now();
    const { state, runId } = run.context;
    const bytes = await readFile(path);
    const { store, key } = tools.stores.at(`${state}/runs/${runId}/rejects/${chunk.n}.pq`);
    await store.put(key, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const record = {
      key: `runs/${runId}/rejects/${chunk.n}.pq`,
      rows: scored.rowsRejected,
      sha256,
      size: bytes.length,
    };
    return { record, storeMs: performance.now() - started };
  } finally {
    await lane.run(`drop table ${codesTable}`);
    await rm(path, { force: true });
  }
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(bytes as Uint8Array);
  return hash.digest('hex');
}
