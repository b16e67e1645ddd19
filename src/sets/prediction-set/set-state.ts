import type {
  GenerationEntry,
  GenerationMeta,
  SetOrder,
  SetPointer,
  SetState,
} from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { highestOrder, isNewer, isSameOrder } from './set-order.ts';

/** A publisher's lease ends this long after its last renewal; it renews three times as often. */
export const SET_LEASE_MS = 30_000;
/** Readers cache the pointer for at most 5 s; a generation's pages stay far longer than that after nobody should need them. */
export const RECLAIM_AFTER_MS = 60_000;
/** Pages outlive the pointer's expiry by this, so that a reader never finds some of them gone. */
export const PAGE_GRACE_MS = 3_600_000;

const NOWHERE: SetPointer = { epoch: 0, generation: 0, publishedAt: '', expiresAt: null, hasOverlay: false };

/** A set before anything was published. Version 0 means that the store has none yet. */
export function newState(keep: number): SetState {
  return {
    format: 1,
    version: 0,
    pointer: NOWHERE,
    nextGeneration: 1,
    keep,
    generations: [],
    highest: null,
    isPinned: false,
    lease: null,
    isAgainAsked: false,
  };
}

/** Errors: SET_OWNED when the lease is not (or no longer) the caller's. */
export function checkLease(state: SetState, token: string): void {
  if (state.lease?.token === token) return;
  throw new PrescoreError('SET_OWNED', {
    what: 'another publisher has taken this set over',
    got: state.lease === null ? 'no lease' : `process ${state.lease.pid} on ${state.lease.host}`,
  });
}

/** An unfinished generation with these contents, to go on with. */
export function unfinished(state: SetState, publication: string, now: string): GenerationEntry | undefined {
  return state.generations.find(
    (g) =>
      g.state === 'building' &&
      g.publication === publication &&
      g.leftKeepAt === null &&
      (g.expiresAt === null || g.expiresAt > now),
  );
}

/** Adds a generation that is being built; its number has never been used. Others that were being built are given up. */
export function withNewGeneration(
  state: SetState,
  publication: string,
  now: string,
  expiresAt: string | null,
): SetState {
  const entry: GenerationEntry = {
    generation: state.nextGeneration,
    publication,
    state: 'building',
    createdAt: now,
    publishedAt: null,
    expiresAt,
    rows: 0,
    buckets: 0,
    bytes: 0,
    runs: [],
    runCount: 0,
    leftKeepAt: null,
  };
  const generations = state.generations.map((g) =>
    g.state === 'building' && g.leftKeepAt === null ? { ...g, leftKeepAt: now } : g,
  );
  return { ...state, nextGeneration: state.nextGeneration + 1, generations: [...generations, entry] };
}

/** Gives an unfinished generation up: the next publication begins a new one. */
export function givenUp(state: SetState, generation: number, now: string): SetState {
  const generations = state.generations.map((g) =>
    g.generation === generation && g.state === 'building' ? { ...g, leftKeepAt: now } : g,
  );
  return { ...state, generations };
}

/** Whether publishing this order would change what is served. */
export function mayPublish(state: SetState, order: SetOrder): boolean {
  return state.highest === null || isNewer(order, state.highest);
}

/** Whether readers find no key any more because what is served ran out of its time to live. */
export function hasExpired({ pointer }: SetState, nowMs: number): boolean {
  return pointer.generation > 0 && pointer.expiresAt !== null && Date.parse(pointer.expiresAt) <= nowMs;
}

/** Whether what was served may be published once more: it has expired, nothing newer was ever served, and nobody rolled it back. */
export function mayRenew(state: SetState, order: SetOrder, nowMs: number): boolean {
  return !state.isPinned && hasExpired(state, nowMs) && state.highest !== null && isSameOrder(order, state.highest);
}

/** Serves a generation whose pages are complete. Errors: SET_NOT_NEWER unless forced. */
export function flipped(
  state: SetState,
  meta: GenerationMeta,
  bytes: number,
  keep: number,
  now: string,
  isForced: boolean,
): SetState {
  if (!isForced && !mayPublish(state, meta.order)) {
    throw new PrescoreError('SET_NOT_NEWER', { what: notNewer(state) });
  }
  const generations = state.generations.map((g) =>
    g.generation === meta.generation ? readyEntry(g, meta, bytes, now) : g,
  );
  const pointer: SetPointer = {
    ...state.pointer,
    epoch: state.pointer.epoch + 1,
    generation: meta.generation,
    publishedAt: now,
    expiresAt: meta.expiresAt,
  };
  const highest = isForced ? meta.order : highestOrder(state.highest, meta.order);
  return retired({ ...state, pointer, generations, keep, highest, isPinned: false }, now);
}

function notNewer(state: SetState): string {
  return state.isPinned
    ? `the set was rolled back to generation ${state.pointer.generation} and stays there until something newer is committed`
    : `generation ${state.pointer.generation} is as new or newer`;
}

function readyEntry(entry: GenerationEntry, meta: GenerationMeta, bytes: number, now: string): GenerationEntry {
  return {
    ...entry,
    state: 'ready',
    publishedAt: now,
    expiresAt: meta.expiresAt,
    rows: meta.rows,
    buckets: meta.buckets,
    bytes,
    runs: meta.origins.slice(-3).map((o) => o.runId),
    runCount: meta.origins.length,
    leftKeepAt: null,
  };
}

/**
 * Serves an older generation again: `to`, or the newest ready one before the current. It stays until something newer than
 * all that was ever published comes.
 *
 * Errors: SET_GENERATION_GONE when there is none, or it has expired.
 */
export function rolledBack(state: SetState, to: number | null, now: string): SetState {
  const current = state.pointer.generation;
  const ready = state.generations.filter((g) => g.state === 'ready' && g.generation !== current);
  const target =
    to === null ? ready.filter((g) => g.generation < current).at(-1) : ready.find((g) => g.generation === to);
  if (target === undefined) {
    throw new PrescoreError('SET_GENERATION_GONE', {
      what: to === null ? 'there is no older generation to go back to' : `generation ${to} cannot be served`,
      expected: ready.length === 0 ? 'nothing else is kept' : `one of ${ready.map((g) => g.generation).join(', ')}`,
      got: to === null ? `generation ${current} alone` : String(to),
    });
  }
  if (target.expiresAt !== null && target.expiresAt <= now) {
    throw new PrescoreError('SET_GENERATION_GONE', {
      what: `generation ${target.generation} expired at ${target.expiresAt}`,
    });
  }
  const pointer: SetPointer = {
    ...state.pointer,
    epoch: state.pointer.epoch + 1,
    generation: target.generation,
    publishedAt: target.publishedAt ?? now,
    expiresAt: target.expiresAt,
  };
  return retired({ ...state, pointer, isPinned: true }, now);
}

/** Marks what falls out of `keep`: everything but the served generation and the newest `keep` others that are ready. */
function retired(state: SetState, now: string): SetState {
  const others = state.generations.filter((g) => g.state === 'ready' && g.generation !== state.pointer.generation);
  const kept = new Set(others.slice(Math.max(0, others.length - state.keep)).map((g) => g.generation));
  kept.add(state.pointer.generation);
  const generations = state.generations.map((g) => {
    if (g.state !== 'ready') return g;
    if (kept.has(g.generation)) return g.leftKeepAt === null ? g : { ...g, leftKeepAt: null };
    return g.leftKeepAt === null ? { ...g, leftKeepAt: now } : g;
  });
  return { ...state, generations };
}

/** Generations whose pages may go now: out of `keep` for 60 s, or expired for as long as pages live on. */
export function reclaimable(state: SetState, nowMs: number): GenerationEntry[] {
  return state.generations.filter((g) => {
    if (g.generation === state.pointer.generation) return false;
    if (g.state === 'reclaiming') return true;
    if (g.leftKeepAt !== null) return nowMs - Date.parse(g.leftKeepAt) >= RECLAIM_AFTER_MS;
    return g.expiresAt !== null && nowMs - Date.parse(g.expiresAt) >= PAGE_GRACE_MS;
  });
}

/** Marks a generation before its pages go, so that no rollback picks it meanwhile. */
export function reclaiming(state: SetState, generation: number): SetState {
  if (generation === state.pointer.generation) {
    throw new PrescoreError('INTERNAL', { what: `generation ${generation} is served and cannot be reclaimed` });
  }
  const generations = state.generations.map((g) =>
    g.generation === generation ? { ...g, state: 'reclaiming' as const } : g,
  );
  return { ...state, generations };
}

/** Forgets a generation whose pages are gone. */
export function reclaimed(state: SetState, generation: number): SetState {
  return { ...state, generations: state.generations.filter((g) => g.generation !== generation) };
}

export function withOverlay(state: SetState): SetState {
  return { ...state, pointer: { ...state.pointer, hasOverlay: true } };
}
