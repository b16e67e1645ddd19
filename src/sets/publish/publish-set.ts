import type { GenerationMeta, Origin, PredictionStore, SetState } from '../../base/contract/prediction-set.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { faultPoint } from '../../base/telemetry/fault-point.ts';
import { PAGE } from '../prediction-set/page.ts';
import {
  flipped,
  givenUp,
  hasExpired,
  mayPublish,
  mayRenew,
  unfinished,
  withNewGeneration,
} from '../prediction-set/set-state.ts';
import { SetHold } from './hold-set.ts';
import { hasOrigins, type Publication } from './publication.ts';
import type { PartTools } from './read-part.ts';
import { type SpooledRows, spoolRows } from './spool-rows.ts';
import { writeGeneration } from './write-generation.ts';

export interface PublishOptions {
  /** Serve it even when the set holds something newer. */
  readonly isForced: boolean;
  /** Build a new generation even when this one is served already. */
  readonly isRebuild: boolean;
  readonly memoryBytes: number;
  readonly onProgress: (progress: PublishProgress) => void;
  readonly stop: AbortSignal;
  /** How long the lease lasts without renewal; 30 s by default. */
  readonly leaseMs?: number;
}

export interface PublishProgress {
  readonly stage: 'reading' | 'writing';
  readonly rows: number;
  readonly of: number;
}

export type PublishOutcome =
  | {
      readonly kind: 'published';
      readonly generation: number;
      readonly rows: number;
      readonly duplicates: number;
      readonly withoutKey: number;
      readonly buckets: number;
      readonly bytes: number;
    }
  /** It is served already, or a newer one is; or what is served has expired, and this may not take its place. */
  | { readonly kind: 'unchanged'; readonly generation: number; readonly why: 'served' | 'older' | 'pinned' | 'expired' }
  /** Another process is publishing into this set, and will look again when it is done. */
  | { readonly kind: 'handed-over' };

export interface Published {
  readonly outcome: PublishOutcome;
  /** Somebody asked for a publication meanwhile: choose the runs again and publish. */
  readonly isAgainAsked: boolean;
}

/**
 * Publishes runs as the next generation of a set: lease -> rows into a spool -> meta -> pages -> read back -> flip. Killed
 * anywhere, it is started again: a generation that was begun for the same runs is finished with the same pages.
 *
 * Errors: SET_OWNED, SET_DUPLICATE_KEY, KEY_INVALID, PREDICTIONS_*, those of the object store.
 */
export async function publishSet(
  publication: Publication,
  store: PredictionStore,
  tools: PartTools,
  options: PublishOptions,
): Promise<Published> {
  const { set } = publication.predictions;
  const unchanged = whyUnchanged(await store.readState(set), publication, options, await store.now());
  if (unchanged !== null) return { outcome: unchanged, isAgainAsked: false };
  const hold = await SetHold.take(store, set, options.stop, options.leaseMs);
  if (hold === null) return { outcome: { kind: 'handed-over' }, isAgainAsked: false };
  faultPoint('after-lease');
  try {
    // Somebody may have published between the first look and the lease.
    const late = whyUnchanged(await store.readState(set), publication, options, await store.now());
    if (late !== null) return { outcome: late, isAgainAsked: await hold.release() };
    const outcome = await buildAndServe(publication, store, tools, options, hold);
    return { outcome, isAgainAsked: await hold.release() };
  } catch (error) {
    // What ended the publication is the one to tell; the lease ends by itself.
    await hold.release().catch(() => undefined);
    throw error;
  }
}

async function buildAndServe(
  publication: Publication,
  store: PredictionStore,
  tools: PartTools,
  options: PublishOptions,
  hold: SetHold,
): Promise<PublishOutcome> {
  const state = await beginGeneration(hold, publication);
  const entry = unfinished(state, publication.id, new Date(await store.now()).toISOString())!;
  let read = 0;
  const onRows = (rows: number): void => {
    read += rows;
    options.onProgress({ stage: 'reading', rows: read, of: publication.rows });
  };
  const spooled = await spoolRows(publication, tools, options.memoryBytes, onRows, options.stop);
  const { spool, withoutKey } = spooled;
  try {
    const draft = draftMeta(publication, entry, spooled);
    const meta = await store.createMeta(draft);
    checkSame(meta, draft, store);
    faultPoint('after-meta');
    const onShare = (share: number): void =>
      options.onProgress({ stage: 'writing', rows: Math.round(share * publication.rows), of: publication.rows });
    const flags = { hasNulls: publication.hasNulls, hasOrigins: hasOrigins(publication) };
    const isError = publication.predictions.onDuplicateKey === 'error';
    const pages = await writeGeneration(meta, spool, flags, isError, store, hold, onShare).catch(giveUp(meta, hold));
    faultPoint('before-flip');
    const { keep } = publication.predictions;
    const rows = meta.rows - pages.duplicates;
    await hold.change((now, nowMs) => {
      if (now.pointer.generation === meta.generation) return now;
      const isFree = mayReplace(now, publication, options, nowMs);
      return flipped(now, { ...meta, rows }, pages.bytes, keep, new Date(nowMs).toISOString(), isFree);
    });
    faultPoint('after-flip');
    const { duplicates, bytes } = pages;
    const { generation, buckets } = meta;
    return { kind: 'published', generation, rows, duplicates, withoutKey, buckets, bytes };
  } finally {
    await spool.close();
  }
}

// Pages that are gone although they count as written would be missed by every further attempt, so the next one begins anew.
function giveUp(meta: GenerationMeta, hold: SetHold): (error: unknown) => Promise<never> {
  return async (error) => {
    if (isPrescoreError(error) && error.code === 'PREDICTIONS_LOST') {
      const change = (now: SetState, nowMs: number): SetState =>
        givenUp(now, meta.generation, new Date(nowMs).toISOString());
      await hold.change(change).catch(() => undefined);
    }
    throw error;
  };
}

function whyUnchanged(
  state: SetState | null,
  publication: Publication,
  options: PublishOptions,
  nowMs: number,
): PublishOutcome | null {
  if (state === null || options.isForced) return null;
  const { generation } = state.pointer;
  if (hasExpired(state, nowMs)) {
    const isFree = mayPublish(state, publication.order) || mayRenew(state, publication.order, nowMs);
    return isFree ? null : { kind: 'unchanged', generation, why: 'expired' };
  }
  const served = state.generations.find((g) => g.generation === generation);
  if (served?.publication === publication.id) {
    return options.isRebuild && !state.isPinned ? null : { kind: 'unchanged', generation, why: 'served' };
  }
  if (mayPublish(state, publication.order)) return null;
  return { kind: 'unchanged', generation, why: state.isPinned ? 'pinned' : 'older' };
}

// A rebuild puts the same runs in the place of themselves, and so does any publication once they have expired.
function mayReplace(state: SetState, publication: Publication, options: PublishOptions, nowMs: number): boolean {
  const served = state.generations.find((g) => g.generation === state.pointer.generation);
  if (options.isForced || mayRenew(state, publication.order, nowMs)) return true;
  return options.isRebuild && served?.publication === publication.id;
}

function beginGeneration(hold: SetHold, publication: Publication): Promise<SetState> {
  const { ttlMs } = publication.predictions;
  return hold.change((state, nowMs) => {
    const now = new Date(nowMs).toISOString();
    if (unfinished(state, publication.id, now) !== undefined) return state;
    const expiresAt = ttlMs === null ? null : new Date(nowMs + ttlMs).toISOString();
    return withNewGeneration(state, publication.id, now, expiresAt);
  });
}

function draftMeta(
  publication: Publication,
  entry: { readonly generation: number; readonly createdAt: string; readonly expiresAt: string | null },
  { spool, withoutKey, prefixBytes }: SpooledRows,
): GenerationMeta {
  const bytes = spool.rowBytes - spool.rows * prefixBytes;
  const perResidue = Math.ceil(bytes / (PAGE.targetBytes - PAGE.headBytes) / spool.residues);
  return {
    format: 1,
    set: publication.predictions.set,
    generation: entry.generation,
    publication: publication.id,
    key: publication.key,
    columns: publication.columns,
    bucketHash: 'crc32',
    buckets: spool.residues * Math.max(1, perResidue),
    rows: spool.rows,
    withoutKey,
    origins: publication.manifests.map(originOf),
    order: publication.order,
    createdAt: entry.createdAt,
    expiresAt: entry.expiresAt,
  };
}

function originOf({ runId, partition, n, model, scoredAt }: Publication['manifests'][number]): Origin {
  const { name, version, sha256 } = model;
  return { runId, partition, manifest: n, model: { name, version, sha256 }, scoredAt };
}

// An earlier attempt of the same publication has cut the same pages; anything else would mix two cuts in one generation.
function checkSame(meta: GenerationMeta, draft: GenerationMeta, store: PredictionStore): void {
  if (meta.publication === draft.publication && meta.buckets === draft.buckets && meta.rows === draft.rows) return;
  throw new PrescoreError('INTERNAL', {
    what: `generation ${draft.generation} was begun with other pages`,
    where: `${store.url} ${draft.set}`,
    expected: `${draft.buckets} pages of ${draft.publication}`,
    got: `${meta.buckets} pages of ${meta.publication}`,
  });
}
