import { WHERE_COLUMN } from '../../base/contract/table.ts';
import { type Derivation, deriveSlice } from '../../data/duckdb/derive-slice.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import { sliceLength } from '../../data/duckdb/local-slice.ts';
import type { BoundRun } from './bound-run.ts';
import type { ChildTools } from './child-tools.ts';
import type { LocalChunk } from './localize.ts';
import type { ReadableChunk, ReadableSlice } from './readable-chunk.ts';

/** A chunk as it is scored, and how many of its rows the job's `where` left out, or its table has deleted. */
export interface DerivedChunk extends ReadableChunk {
  readonly rowsFiltered: number;
  readonly deriveMs: number;
}

/**
 * Takes a chunk through the job's `where` and `columns`: each slice becomes a scratch file, from where the one path goes on. Of a job
 * without them the chunk is given back as it is. Slices of which nothing is kept fall away. Owns: scratch files go with `local`.
 *
 * Errors: those of `deriveSlice`.
 */
export async function deriveChunk(
  tools: Pick<ChildTools, 'converting'>,
  run: BoundRun,
  duck: Duck,
  chunk: ReadableChunk,
  local: Pick<LocalChunk, 'newScratch'>,
): Promise<DerivedChunk> {
  let rowsFiltered = chunk.slices.reduce(
    (sum, { slice }) => sum + slice.rowEnd - slice.rowStart - sliceLength(slice),
    0,
  );
  const there = rowsFiltered === 0 ? chunk.slices : chunk.slices.filter(({ slice }) => sliceLength(slice) > 0);
  if (!run.isDerived) return { ...chunk, slices: there, rowsFiltered, deriveMs: 0 };
  const slices: ReadableSlice[] = [];
  let deriveMs = 0;
  for (const { slice, file } of there) {
    const derived = await tools.converting.run(async () => {
      const started = performance.now();
      const result = await deriveSlice(duck, slice, derivationOf(run, file), local.newScratch());
      deriveMs += performance.now() - started;
      return result;
    });
    rowsFiltered += derived.rowsFiltered;
    if (derived.slice.rowEnd > 0) slices.push({ slice: derived.slice, file, footer: null });
  }
  return { slices, unreadable: chunk.unreadable, rowsFiltered, deriveMs };
}

function derivationOf(run: BoundRun, file: number): Derivation {
  const { where, columns = {}, scoredAt } = run.context;
  const all = run.files.at(file).columns;
  const computed = all.filter((c) => c.computedFrom !== undefined);
  const sources = new Set(computed.flatMap((c) => c.computedFrom ?? []));
  return {
    where: where ?? null,
    whereSources: computed.find((c) => c.name === WHERE_COLUMN)?.computedFrom ?? [],
    computed: computed.flatMap(({ name, type }) => {
      const sql = name === WHERE_COLUMN ? undefined : columns[name];
      return sql === undefined ? [] : [{ name, type, sql }];
    }),
    sources: all.filter((c) => sources.has(c.name)),
    stored: all.filter((c) => c.computedFrom === undefined && isFedOrKept(run, c.name)).map((c) => c.name),
    asOf: scoredAt,
  };
}

function isFedOrKept({ features, kept }: BoundRun, name: string): boolean {
  return features.includes(name) || kept.some((c) => c.name === name);
}
