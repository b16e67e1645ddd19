import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectStore } from '../../base/contract/object-store.ts';
import type { PlannedChunk } from '../../base/contract/plan.ts';
import type { PartRecord, RejectsRecord } from '../../base/contract/records.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { type Duck, quoteText } from '../../data/duckdb/duckdb.ts';
import type { LocalSlice } from '../../data/duckdb/local-slice.ts';
import { writeEmptyPart, writePart } from '../../data/duckdb/write-part.ts';
import { writeRejects } from '../../data/duckdb/write-rejects.ts';
import type { RejectCodes } from '../tensor/reject-codes.ts';
import type { BoundRun } from './bound-run.ts';
import type { ChildTools } from './child-tools.ts';
import type { ReadableChunk } from './readable-chunk.ts';
import type { ScoredChunk } from './score-chunk.ts';

const SMALL_BYTES = 256 * 1024;

export interface EncodeOptions {
  readonly tools: ChildTools;
  readonly run: BoundRun;
  readonly chunk: PlannedChunk;
  /** The connection that writes. */
  readonly lane: Duck;
}

/** Writes and stages a part without rows, for a run that scored none. */
export async function encodeEmpty(tools: ChildTools, run: BoundRun, n: number): Promise<PartRecord> {
  const place = await partPlace(tools, run, n);
  const { compression, rowGroupRows } = run.context;
  await writeEmptyPart(tools.duck, run.context.outputColumns, { target: place.path, compression, rowGroupRows });
  return (await stagePart(place, run, 0)).record;
}

/** `part-00012-<run>.parquet`. */
export function partName(n: number, runId: string): string {
  return `part-${String(n).padStart(5, '0')}-${runId}.parquet`;
}

/** Where a part goes, and where its bytes are written first. */
export interface PartPlace {
  readonly name: string;
  readonly key: string;
  readonly path: string;
  readonly isScratch: boolean;
  readonly store: ObjectStore;
}

/** A new place for the part of chunk `n`. */
export async function partPlace(tools: ChildTools, run: BoundRun, n: number): Promise<PartPlace> {
  const { outputUri, runId } = run.context;
  const name = partName(n, runId);
  const { store, key } = tools.stores.at(`${outputUri.replace(/\/$/, '')}/${name}`);
  const staging = await store.stagingPath(key, runId);
  const path = staging ?? join(tools.scratchDir, `part-${randomBytes(8).toString('hex')}`);
  return { name, key, path, isScratch: staging === null, store };
}

/** Hashes and stages the part that was written to its place; a scratch file is removed. */
export async function stagePart(
  place: PartPlace,
  run: BoundRun,
  rows: number,
): Promise<{ record: PartRecord; storeMs: number }> {
  const started = performance.now();
  const { size } = statSync(place.path);
  const sha256 = await partDigest(place.path, size);
  const staged = await place.store.stage(place.key, { path: place.path, size, sha256, runId: run.context.runId });
  if (place.isScratch) await rm(place.path, { force: true });
  return { record: { name: place.name, rows, size, sha256, staged }, storeMs: performance.now() - started };
}

/** Writes and stages the part of a chunk; null when no row was scored. */
export async function encodePart(
  { tools, run, chunk, lane }: EncodeOptions,
  slices: readonly LocalSlice[],
  scored: ScoredChunk,
): Promise<{ record: PartRecord; storeMs: number } | null> {
  if (scored.rowsScored === 0) return null;
  const place = await partPlace(tools, run, chunk.n);
  const { context } = run;
  await writePart(lane, scored.table, slices, context.outputColumns, context, {
    target: place.path,
    compression: context.compression,
    rowGroupRows: Math.min(context.rowGroupRows, ...slices.map((s) => s.groupRows ?? context.rowGroupRows)),
  });
  return stagePart(place, run, scored.rowsScored);
}

/** Writes the rejects of a chunk beside its records; null when there are none. */
export async function encodeRejects(
  { tools, run, chunk, lane }: EncodeOptions,
  { slices, unreadable }: ReadableChunk,
  scored: ScoredChunk,
): Promise<{ record: RejectsRecord; storeMs: number } | null> {
  if (scored.rowsRejected === 0 && unreadable.length === 0) return null;
  const codesTable = `${scored.table}_codes`;
  const path = join(tools.scratchDir, `rejects-${randomBytes(8).toString('hex')}`);
  try {
    await writeCodes(lane, codesTable, scored.codes);
    const ids = run.kept.filter((c) => c.role === 'id');
    const count = scored.rowsRejected;
    const rows = { table: scored.table, codesTable, slices: slices.map((s) => s.slice), count };
    const example = await writeRejects(lane, { rows: count === 0 ? null : rows, unreadable }, ids, path);
    const started = performance.now();
    const { state, runId } = run.context;
    const bytes = await readFile(path);
    const { store, key } = tools.stores.at(`${state}/runs/${runId}/rejects/${chunk.n}.pq`);
    await store.put(key, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const record = {
      key: `runs/${runId}/rejects/${chunk.n}.pq`,
      rows: scored.rowsRejected + unreadable.reduce((sum, u) => sum + u.rows, 0),
      sha256,
      size: bytes.length,
      example,
    };
    return { record, storeMs: performance.now() - started };
  } finally {
    await rm(path, { force: true });
  }
}

async function writeCodes(lane: Duck, table: string, codes: RejectCodes): Promise<void> {
  await lane.run(`create temp table ${table} (code USMALLINT, rule VARCHAR, column_name VARCHAR, message VARCHAR)`);
  const rows = codes.reasons.map(
    (r, i) => `(${i + 1}, ${quoteText(r.rule)}, ${quoteText(r.column)}, ${quoteText(r.message)})`,
  );
  if (rows.length > 0) await lane.run(`insert into ${table} values ${rows.join(', ')}`);
}

// A stream costs as much as the whole rest of a tiny part.
async function partDigest(path: string, size: number): Promise<string> {
  if (size > SMALL_BYTES) return fileDigest(path);
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
