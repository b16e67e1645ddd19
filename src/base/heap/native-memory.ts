const EVERY_BATCHES = 8;
const BATCH_ROWS = 2048;
/** What a batch of few rows counts for: its memory is that of a whole one, of which little was touched. */
const LEAST = 1 / 4;
const EVERY_BYTES = 16 * 1024 * 1024;
let batches = 0;
let viewed = 0;

/**
 * A young collection, now: frees native memory behind small objects before they grow old. Needs --expose-gc, which scorer
 * children have; does nothing elsewhere.
 */
export function collectYoung(): void {
  globalThis.gc?.({ type: 'minor', execution: 'sync' });
}

/** Tells of native memory that JavaScript has been given a view of. */
export function noteViewed(bytes: number): void {
  viewed += bytes;
}

/**
 * Frees the native memory behind batches that are no longer used. A decoded batch is 250 kB of DuckDB's memory behind a few
 * small JavaScript objects: left to itself V8 lets hundreds pile up, then marks the whole heap because of them. A young
 * collection every eight batches costs less than it saves (heavy case: 0.62 to 0.35 CPU s, peak memory 380 to 343 MiB). V8 marks the
 * whole heap for every 64 MB of views as well: lists of 1,024 floats are 8 MB a batch. Tiny row groups come as batches of their few
 * rows: a collection for every eight of them was a fifth of the decoding.
 */
export function reclaimNative(rows: number): void {
  batches += Math.max(LEAST, rows / BATCH_ROWS);
  if (batches < EVERY_BATCHES && viewed < EVERY_BYTES) return;
  batches = 0;
  viewed = 0;
  collectYoung();
}
