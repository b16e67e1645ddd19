import type { GenerationEntry, PredictionStore, SetState } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayBytes, sayCount, sayDuration, sayMany } from '../../base/telemetry/progress-line.ts';
import { changeState } from '../../sets/prediction-set/change-state.ts';
import { rolledBack } from '../../sets/prediction-set/set-state.ts';
import { dropOverlay, reclaim } from '../../sets/publish/reclaim.ts';
import { printJson } from '../output/print-json.ts';
import { printTable } from '../output/print-table.ts';
import { openPredictionStore } from '../wiring/open-prediction-store.ts';
import { listedStore, namedSet, type PlaceFlags, setPlace } from '../wiring/set-place.ts';

export interface SetsFlags extends PlaceFlags {
  readonly json?: boolean;
}

export interface RollbackFlags extends SetsFlags {
  readonly to?: number;
  readonly dropOverlay?: boolean;
}

/** `prescore sets list [PLACE]`: `named` is an address or a job file. */
export async function setsList(named: string | undefined, flags: SetsFlags): Promise<number> {
  return withStore({ store: listedStore(flags, named) }, async (store) => {
    const rows: string[][] = [];
    for (const set of await store.listSets()) {
      const state = await store.readState(set);
      if (state === null) continue;
      const served = state.generations.find((g) => g.generation === state.pointer.generation);
      if (flags.json === true) printJson({ set, ...state.pointer, rows: served?.rows ?? 0, bytes: served?.bytes ?? 0 });
      else rows.push([set, ...describe(served, state)]);
    }
    if (flags.json === true) return 0;
    if (rows.length > 0) printTable(['set', ...COLUMNS], rows, process.stdout, [1, 2, 3, 4]);
    else process.stdout.write(`There is no set in ${store.url}.\n`);
    return 0;
  });
}

/** `prescore sets show SET`: all generations, newest first. */
export async function setsShow(named: string | undefined, flags: SetsFlags): Promise<number> {
  const { set, ...place } = namedSet(flags, named, 'SET');
  return withStore(place, async (store) => {
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
export async function setsRollback(named: string | undefined, flags: RollbackFlags): Promise<number> {
  const { set, ...place } = namedSet(flags, named, 'SET');
  return withStore(place, async (store) => {
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
export async function setsGc(named: string | undefined, flags: SetsFlags): Promise<number> {
  const { set, ...place } = setPlace(flags, named);
  return withStore(place, async (store) => {
    for (const name of set === null ? await store.listSets() : [set]) {
      const { generations, overlayEntries } = await reclaim(store, name);
      if (flags.json === true) printJson({ set: name, generations, overlayEntries });
      else {
        const list = generations.length === 0 ? 'no generation' : `generation ${generations.join(', ')}`;
        process.stdout.write(`set ${name}: removed ${list} and ${sayMany(overlayEntries, 'single key')}\n`);
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
  const fix = `Sets that are there: prescore sets list ${store.url}.`;
  throw new PrescoreError('SET_UNKNOWN', { what: `there is no set ${set}`, where: store.url, fix });
}

async function withStore(
  place: { readonly store: string },
  task: (store: PredictionStore) => Promise<number>,
): Promise<number> {
  const { store } = await openPredictionStore(place.store, process.env);
  try {
    return await task(store);
  } finally {
    await store.close();
  }
}
