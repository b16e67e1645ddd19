import type { OverlayEntry, PredictionStore } from '../../base/contract/prediction-set.ts';
import type { Manifest } from '../../base/contract/records.ts';
import { announceOverlay } from '../prediction-set/announce-overlay.ts';
import { encodeOverlay } from '../prediction-set/overlay-entry.ts';
import { readValues } from '../prediction-set/value-codec.ts';
import { Cursor } from '../prediction-set/varint.ts';
import { hasOrigins, type Publication } from './publication.ts';
import type { PublishOptions } from './publish-set.ts';
import type { PartTools } from './read-part.ts';
import { HASH_BYTES, type RowSpool } from './row-spool.ts';
import { spoolRows } from './spool-rows.ts';

const WRITE_AT_ONCE = 1000;

/**
 * Writes every row of the runs as a single key over what is served (`mode: upsert`). Repeat: safe; an entry only ever gives way
 * to a newer one in readers, which compare times.
 *
 * Errors: those of `spoolRows` and of the store.
 */
export async function upsertRows(
  publication: Publication,
  store: PredictionStore,
  tools: PartTools,
  options: PublishOptions,
): Promise<number> {
  const { set, keep, ttlMs } = publication.predictions;
  // Counted as for a generation, so that a run that is published again after its rows expired serves them again.
  const expiresAtMs = ttlMs === null ? 0 : (await store.now()) + ttlMs;
  await announceOverlay(store, set, keep);
  let read = 0;
  const { spool } = await spoolRows(
    publication,
    tools,
    options.memoryBytes,
    (rows) => {
      read += rows;
      options.onProgress({ stage: 'reading', rows: read, of: publication.rows });
    },
    options.stop,
  );
  let written = 0;
  try {
    for (let residue = 0; residue < spool.residues; residue++) {
      for await (const entries of entriesOf(spool, residue, publication, expiresAtMs)) {
        options.stop.throwIfAborted();
        // A run that is written late leaves what a newer one has written.
        await store.writeNewerOverlay(set, entries);
        written += entries.length;
        options.onProgress({ stage: 'writing', rows: written, of: publication.rows });
      }
    }
    return written;
  } finally {
    await spool.close();
  }
}

async function* entriesOf(
  spool: RowSpool,
  residue: number,
  publication: Publication,
  expiresAtMs: number,
): AsyncGenerator<readonly OverlayEntry[]> {
  const bytes = await spool.take(residue);
  const cursor = new Cursor(bytes, 0, bytes.length);
  let entries: OverlayEntry[] = [];
  while (cursor.at < cursor.end) {
    cursor.take(HASH_BYTES);
    const size = cursor.varint();
    const from = cursor.take(size);
    entries.push(entryOf(new Cursor(bytes, from, from + size), publication, expiresAtMs));
    if (entries.length < WRITE_AT_ONCE) continue;
    yield entries;
    entries = [];
  }
  if (entries.length > 0) yield entries;
}

function entryOf(row: Cursor, publication: Publication, expiresAtMs: number): OverlayEntry {
  const length = row.varint();
  const key = row.bytes.slice(row.take(length), row.at);
  const manifest: Manifest = publication.manifests[hasOrigins(publication) ? row.varint() : 0]!;
  const values = readValues(row, publication.columns, publication.hasNulls) ?? {};
  const scoredAtMs = Date.parse(manifest.scoredAt);
  const facts = {
    scoredAtMs,
    expiresAtMs,
    modelSha256: manifest.model.sha256,
    source: `run:${manifest.runId}`,
  };
  return { key, value: encodeOverlay(facts, publication.columns, values) };
}
