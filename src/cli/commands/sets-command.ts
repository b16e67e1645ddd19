import { resolve } from 'node:path';
import type { GenerationEntry, PredictionStore, SetState } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayBytes, sayCount, sayDuration } from '../../base/telemetry/progress-line.ts';
import { lmdbFolder } from '../../job/values/store-url.ts';
import { changeState } from '../../sets/prediction-set/change-state.ts';
import { rolledBack } from '../../sets/prediction-set/set-state.ts';
import { dropOverlay, reclaim } from '../../sets/publish/reclaim.ts';
import { printJson } from '../output/print-json.ts';
import { printTable } from '../output/print-table.ts';
import { openPredictionStore } from '../wiring/open-prediction-store.ts';

export interface SetsFlags {
  readonly store: string;
  readonly json?: boolean;
}

export interface RollbackFlags extends SetsFlags {
  readonly to?: number;
  readonly dropOverlay?: boolean;
}

/** Paths on the command line are relative to the caller's folder. */
export function storeUrl(text: string): string {
  const folder = lmdbFolder(text);
  return folder === null || folder === '' || folder.startsWith('//') ? text : `lmdb:${resolve(folder)}`;
}

/** `prescore sets list`. */
export function setsList(flags: SetsFlags): Promise<number> {
  return withStore(flags, async (store) => {
    const rows: string[][] = [];
    for (const set of await store.listSets()) {
      const state = await store.readState(set);
      if (state === null) continue;
      const served = state.generations.find((g) => g.generation === state.pointer.generation);
      if (flags.json === true) printJson({ set, ...state.pointer, rows: served?.rows ?? 0, bytes: served?.bytes ?? 0 });
      else rows.push([set, ...describe(served, state)]);
    }
    if (flags.json !== true) printTable(['set', ...COLUMNS], rows, process.stdout, [1, 2, 3, 4]);
    return 0;
  });
}

/** `prescore sets show SET`: all generations, newest first. */
export function setsShow(set: string, flags: SetsFlags): Promise<number> {
  return withStore(flags, async (store) => {
    const state = await stateOf(store, set);
    if (flags.json === true) {
      printJson({ set, ...state });
      return 0;
    }
    const rows = [...state.generations]
      .reverse()
      .map((g) => [...describe(g, state), standing(g, state), g.runs.at(-1) ?? '']);
    printTable([...COLUMNS, 'state', 'newest run'], rows, process.stdout, [0, 1, 2, 3]);
    if (state.isPinned)
      process.stdout.write('\nrolled back: stays until something newer than all of these is published\n');
    return 0;
  });
}

/** `prescore sets rollback SET`. */
export function setsRollback(set: string, flags: RollbackFlags): Promise<number> {
  return withStore(flags, async (store) => {
    await stateOf(store, set);
    const state = await changeState(store, set, (now, ms) =>
      rolledBack(now, flags.to ?? null, new Date(ms).toISOString()),
    );
    if (flags.dropOverlay === true) await dropOverlay(store, set);
    if (flags.json === true) printJson({ set, ...state.pointer });
    else process.stdout.write(`set ${set} serves generation ${state.pointer.generation} again\n`);
    return 0;
  });
}

/** `prescore sets gc`: what nobody can need any more. */
export function setsGc(set: string | undefined, flags: SetsFlags): Promise<number> {
  return withStore(flags, async (store) => {
    for (const name of set === undefined ? await store.listSets() : [set]) {
      const { generations, overlayEntries } = await reclaim(store, name);
      if (flags.json === true) printJson({ set: name, generations, overlayEntries });
      else {
        const list = generations.length === 0 ? 'no generation' : `generation ${generations.join(', ')}`;
        process.stdout.write(`set ${name}: removed ${list} and ${sayCount(overlayEntries)} single keys\n`);
      }
    }
    return 0;
  });
}

const COLUMNS = ['generation', 'rows', 'pages', 'size', 'published', 'age', 'expires'] as const;

function describe(entry: GenerationEntry | undefined, state: SetState): string[] {
  if (entry === undefined) return [state.pointer.hasOverlay ? 'single keys' : 'none', '', '', '', '', '', ''];
  const { generation, rows, buckets, bytes, publishedAt, expiresAt } = entry;
  const age = publishedAt === null ? '' : sayDuration((Date.now() - Date.parse(publishedAt)) / 1000);
  const numbers = [String(generation), sayCount(rows), sayCount(buckets), sayBytes(bytes)];
  return [...numbers, publishedAt?.slice(0, 19) ?? '', age, expiresAt?.slice(0, 19) ?? 'never'];
}

function standing(entry: GenerationEntry, state: SetState): string {
  if (entry.generation === state.pointer.generation) return 'served';
  if (entry.state !== 'ready') return entry.state;
  return entry.leftKeepAt === null ? 'kept' : 'to be reclaimed';
}

async function stateOf(store: PredictionStore, set: string): Promise<SetState> {
  const state = await store.readState(set);
  if (state !== null) return state;
  throw new PrescoreError('SET_UNKNOWN', { what: `there is no set ${set}`, where: store.url });
}

async function withStore(flags: SetsFlags, task: (store: PredictionStore) => Promise<number>): Promise<number> {
  const { store } = await openPredictionStore(storeUrl(flags.store), process.env);
  try {
    return await task(store);
  } finally {
    await store.close();
  }
}
