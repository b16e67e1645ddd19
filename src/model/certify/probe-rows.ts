import { type Feeds, type ProbeModel, RowAnswers, RowPool } from './probe-model.ts';
import type { ProbeDepth } from './probe-sizes.ts';
import { joined, rowsOf } from './tensor-rows.ts';
import { timeOf } from './time-of.ts';
import { edgeFeeds, TRIAL_STYLES, type TrialStyle, trialFeeds, trialRowBytes } from './trial-rows.ts';

/** The rows of a probe. */
export interface ProbeRows {
  readonly pool: RowPool;
  /** A few made-up rows, whose answers stand in the certificate: the same ones on every machine. */
  readonly sample: RowPool;
  readonly realRows: number;
  /** The same batch, scored twice before any edge was fed, gave something else: answers come from chance, or from what was fed before. */
  readonly isRandom: boolean;
}

/** Of so many made-up rows, one in four is loud (its values are scaled) and one in eight has edge values. */
const FEW_ROWS = 4;
/** Rows of a model that is quick enough for any number. */
const LEAST_ROWS = 64;
const QUICK_MS = 2;
const SLOW_SHARE = 8;
const SEED = 20_240_229;
const MOST_BYTES = 64 * 1024 * 1024;
/** A model that takes longer for a row is not tried. */
const LONGEST_ROW_MS = 1000;

/**
 * Rows that the model takes: made up in the first style that it accepts, with loud ones and edges among them where it accepts those, and the
 * real ones that are given. Null where it refuses all kinds of rows, takes too long for one, or answers nothing that could differ: NaN alone,
 * or outputs that are not as long as the batch.
 *
 * Errors: none; what the runtime throws is a refusal. Owns: `real` stays the caller's.
 */
export async function probeRows(
  model: ProbeModel,
  real: Feeds | null,
  { budgetMs, madeRows }: Pick<ProbeDepth, 'budgetMs' | 'madeRows'>,
): Promise<ProbeRows | null> {
  for (const style of TRIAL_STYLES) {
    const found = await rowsOfStyle(model, style, real, budgetMs, madeRows).catch(() => null);
    if (found !== null) return found;
  }
  return null;
}

async function rowsOfStyle(
  model: ProbeModel,
  style: TrialStyle,
  real: Feeds | null,
  budgetMs: number,
  madeRows: number,
): Promise<ProbeRows | null> {
  const { inputs, fixedBatch } = model;
  const bytes = Math.max(1, trialRowBytes(inputs));
  const few = fixedBatch ?? FEW_ROWS;
  if (few * bytes > MOST_BYTES) return null;
  const rowMs = await timeOfRow(model, style);
  // Of so slow a model the reference alone would take all the time.
  if (rowMs === null || rowMs > budgetMs / SLOW_SHARE) return null;
  // The reference and each policy score all rows a few times.
  const quick = Math.max(budgetMs / 40 / rowMs, rowMs < QUICK_MS ? LEAST_ROWS : 0);
  const affordable = Math.min(MOST_BYTES / bytes, quick);
  const made = Math.max(few, Math.floor(Math.min(madeRows, affordable)));
  const plain = trialFeeds(inputs, made, style, SEED, false);
  const parts: Feeds[] = [plain];
  // What keeps something from call to call would keep the NaN of an edge for good.
  const answers = await answersTo(model, plain, made);
  const isRandom = !answers.isSameAs(await answersTo(model, plain, made));
  const take = async (feeds: Feeds, rows: number): Promise<boolean> => {
    const isTaken = !isRandom && rows > 0 && (await takes(model, feeds, rows));
    if (isTaken) parts.push(feeds);
    return isTaken;
  };
  const [loud, edges] = [Math.ceil(made / 4), Math.ceil(made / 8)];
  await take(trialFeeds(inputs, loud, style, SEED + 1, true), loud);
  await take(edgeFeeds(inputs, edges, style, SEED + 2), edges);
  const given = real === null ? 0 : Math.floor(Math.min(countRows(model, real), Math.max(few, affordable * 16)));
  const first = real === null ? null : firstRows(model, real, given);
  const isReal = first !== null && (await take(first, given));
  if (!isRandom && !answers.hasValues && !(isReal && (await answersTo(model, first, given)).hasValues)) return null;
  const sample = new RowPool(model, trialFeeds(inputs, few, style, SEED, false), few);
  return { pool: joinedPool(model, parts), sample, realRows: isReal ? given : 0, isRandom };
}

// Of a fixed batch the first rows are as good as all.
async function answersTo(model: ProbeModel, feeds: Feeds, rows: number): Promise<RowAnswers> {
  const size = model.fixedBatch ?? rows;
  const pool = new RowPool(model, feeds, rows);
  return new RowAnswers(await pool.run(pool.batch(repeatedRows(size, rows)), 'plain'), size);
}

function repeatedRows(size: number, rows: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => i % rows);
}

async function timeOfRow(model: ProbeModel, style: TrialStyle): Promise<number | null> {
  const rows = model.fixedBatch ?? 1;
  const one = new RowPool(model, trialFeeds(model.inputs, rows, style, SEED, false), rows);
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  // The first run plans memory.
  const cold = await timeOf(() => one.run(one.batch(order), 'plain'));
  if (cold > 2 * LONGEST_ROW_MS) return null;
  let ms = await timeOf(() => one.run(one.batch(order), 'plain'));
  // Code is compiled meanwhile.
  for (let again = 0; again < 4 && ms < 20 * QUICK_MS; again++)
    ms = Math.min(ms, await timeOf(() => one.run(one.batch(order), 'plain')));
  return ms > LONGEST_ROW_MS ? null : ms / rows;
}

async function takes(model: ProbeModel, feeds: Feeds, rows: number): Promise<boolean> {
  const pool = new RowPool(model, feeds, rows);
  const size = model.fixedBatch ?? rows;
  return pool.run(pool.batch(repeatedRows(size, rows)), 'plain').then(
    () => true,
    () => false,
  );
}

function joinedPool(model: ProbeModel, parts: readonly Feeds[]): RowPool {
  const rowwise = model.inputs.filter((input) => !('same' in input)).map(({ name }) => name);
  const kept = parts.map((part) => new Map(rowwise.map((name) => [name, part.get(name)!] as const)));
  const feeds = joined(kept);
  const [first] = rowwise;
  return new RowPool(model, feeds, first === undefined ? 1 : feeds.get(first)!.dims[0]!);
}

function countRows({ inputs }: ProbeModel, feeds: Feeds): number {
  const first = inputs.find((input) => !('same' in input));
  return first === undefined ? 0 : (feeds.get(first.name)?.dims[0] ?? 0);
}

function firstRows({ inputs }: ProbeModel, feeds: Feeds, rows: number): Feeds {
  return new Map(
    inputs.flatMap((input) =>
      'same' in input ? [] : [[input.name, rowsOf(feeds.get(input.name)!, 0, rows)] as const],
    ),
  );
}
