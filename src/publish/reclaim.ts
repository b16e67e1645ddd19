import type { OverlayEntry, PredictionStore } from '../contract/prediction-set.ts';
import { changeState } from '../prediction-set/change-state.ts';
import { readOverlayHead } from '../prediction-set/overlay-entry.ts';
import { reclaimable, reclaimed, reclaiming } from '../prediction-set/set-state.ts';

const REMOVE_AT_ONCE = 500;

export interface Reclaimed {
  readonly generations: readonly number[];
  readonly overlayEntries: number;
}

/**
 * Removes generations that nobody can need any more, and overlay entries that have expired or are not newer than what is
 * served. Safe to repeat and to run beside readers and publishers.
 *
 * Errors: those of the store.
 */
export async function reclaim(store: PredictionStore, set: string): Promise<Reclaimed> {
  const state = await store.readState(set);
  if (state === null) return { generations: [], overlayEntries: 0 };
  const gone: number[] = [];
  for (const { generation, buckets } of reclaimable(state, await store.now())) {
    await changeState(store, set, (now) => reclaiming(now, generation));
    const meta = await store.readMeta(set, generation);
    await store.dropGeneration(set, generation, Math.max(buckets, meta?.buckets ?? 0));
    await changeState(store, set, (now) => reclaimed(now, generation));
    gone.push(generation);
  }
  const overlayEntries = state.pointer.hasOverlay ? await sweepOverlay(store, set) : 0;
  return { generations: gone, overlayEntries };
}

async function sweepOverlay(store: PredictionStore, set: string): Promise<number> {
  const servedMs = await oldestScore(store, set);
  const nowMs = await store.now();
  let removed = 0;
  let stale: OverlayEntry[] = [];
  for await (const entry of store.scanOverlay(set)) {
    const head = readOverlayHead(entry.value);
    const isStale = head === null || head.scoredAtMs <= servedMs || (head.expiresAtMs > 0 && head.expiresAtMs <= nowMs);
    if (isStale) stale.push(entry);
    if (stale.length < REMOVE_AT_ONCE) continue;
    removed += await store.removeOverlay(set, stale);
    stale = [];
  }
  return removed + (await store.removeOverlay(set, stale));
}

// A key may be in any run of the generation: only what is not newer than the oldest of them is surely covered.
async function oldestScore(store: PredictionStore, set: string): Promise<number> {
  const pointer = await store.readPointer(set);
  const meta = pointer === null || pointer.generation === 0 ? null : await store.readMeta(set, pointer.generation);
  return meta === null ? 0 : Math.min(...meta.origins.map((o) => Date.parse(o.scoredAt)));
}
