import type { OverlayEntry, PredictionStore } from '../../base/contract/prediction-set.ts';
import { faultPoint } from '../../base/telemetry/fault-point.ts';
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
    // A rollback may have taken it back since.
    const marked = await changeState(store, set, (now, nowMs) =>
      reclaimable(now, nowMs).some((g) => g.generation === generation) ? reclaiming(now, generation) : now,
    );
    if (!marked.generations.some((g) => g.generation === generation && g.state === 'reclaiming')) continue;
    faultPoint('reclaim-before-drop');
    const meta = await store.readMeta(set, generation);
    await store.dropGeneration(set, generation, Math.max(buckets, meta?.buckets ?? 0));
    faultPoint('reclaim-after-drop');
    await changeState(store, set, (now) => reclaimed(now, generation));
    gone.push(generation);
  }
  const overlayEntries = state.pointer.hasOverlay ? await sweepOverlay(store, set) : 0;
  return { generations: gone, overlayEntries };
}

/** Removes all single keys of a set. Errors: those of the store. */
export function dropOverlay(store: PredictionStore, set: string): Promise<number> {
  return removeFromOverlay(store, set, () => true);
}

async function sweepOverlay(store: PredictionStore, set: string): Promise<number> {
  const servedMs = await oldestScore(store, set);
  const nowMs = await store.now();
  return removeFromOverlay(store, set, ({ value }) => {
    const head = readOverlayHead(value);
    return head === null || head.scoredAtMs <= servedMs || (head.expiresAtMs > 0 && head.expiresAtMs <= nowMs);
  });
}

async function removeFromOverlay(
  store: PredictionStore,
  set: string,
  isStale: (entry: OverlayEntry) => boolean,
): Promise<number> {
  let removed = 0;
  let stale: OverlayEntry[] = [];
  for await (const entry of store.scanOverlay(set)) {
    if (isStale(entry)) stale.push(entry);
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
